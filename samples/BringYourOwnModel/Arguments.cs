using System.CommandLine;
using System.CommandLine.Invocation;
using Samples;

namespace BringYourOwnModel;

/// <summary>The command line.</summary>
internal sealed record Arguments(string? Model, DirectoryInfo? Adapter, string? Text, int MaxNewTokens)
{
    private const string Description = """
        Takes the models and adapters that you have: a directory in Hugging Face layout or a GGUF file, alone or with an adapter
        directory of Hugging Face PEFT, wherever it was trained. Without arguments it goes through those of the repository.

        Examples:
          dotnet run --project samples/BringYourOwnModel -c Release
          dotnet run --project samples/BringYourOwnModel -c Release -- --model llama-3.2-1b.gguf --text "Once upon a time"
          dotnet run --project samples/BringYourOwnModel -c Release -- --model bert-base-uncased --adapter my-adapter --text "Fine!"
        """;

    /// <summary>Parses the command line and runs the program; the result is the exit code.</summary>
    public static int Invoke(string[] args, Func<Arguments, int> program)
    {
        var model = new Option<string?>("--model") { Description = "A directory with config.json, *.safetensors and tokenizer files, or a .gguf file [default: a tour]", HelpName = "DIR|FILE" };
        var adapter = new Option<DirectoryInfo>("--adapter") { Description = "An adapter directory: adapter_config.json and adapter_model.safetensors", HelpName = "DIR" }.AcceptExistingOnly();
        var text = new Option<string?>("--text") { Description = "What to classify, or to write on.", HelpName = "TEXT" };
        var length = new Option<int>("--max-new-tokens") { Description = "The most tokens that are written.", HelpName = "N", DefaultValueFactory = _ => 24 };
        length.Validators.Add(OptionChecks.AtLeastOne);

        var command = new RootCommand(Description) { model, adapter, text, length };
        command.Validators.Add(result =>
        {
            if (result.GetResult(model) is null && result.GetResult(adapter) is not null)
                result.AddError("--adapter needs the model that it is for; name it with --model.");
        });
        command.SetAction(values => program(new Arguments(values.GetValue(model), values.GetValue(adapter), values.GetValue(text), values.GetValue(length))));
        var parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction errors)
            errors.ShowHelp = false;
        return parsed.Invoke();
    }
}
