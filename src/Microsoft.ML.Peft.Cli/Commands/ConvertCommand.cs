using System.CommandLine;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>A saved pipeline becomes an adapter directory, and an adapter directory a saved pipeline.</summary>
internal static class ConvertCommand
{
    private const string Examples = """
        peftml convert tickets.zip adapters/tickets
        peftml convert adapters/tickets tickets.zip --text-col message
        """;

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("convert", "Convert a .zip of ML.NET to an adapter directory of Hugging Face PEFT, or back.", Examples);
        var from = new Argument<string>("FROM") { Description = "A .zip that was trained, or an adapter directory." };
        var to = new Argument<string>("TO") { Description = "The adapter directory or .zip to write." };
        var baseModel = new Option<string?>("--model") { Description = "For an adapter directory: the frozen model [default: the one that it names]", HelpName = "MODEL" };
        var text = Column("--text-col", "The name of the pipeline's text column", "Text");
        var second = new Option<string?>("--second-text-col") { Description = "The name of the pipeline's second text column [default: none]", HelpName = "NAME" };
        var label = Column("--label-col", "The name of the pipeline's label column", "Label");
        var template = new Option<string?>("--prompt-template") { Description = "For an adapter that writes and does not say it: what texts are put into [default: {text} and a line break]", HelpName = "TEXT" };
        foreach (var argument in new[] { from, to })
            verb.Add(argument);
        foreach (var option in new Option[] { baseModel, text, second, label, template })
            verb.Add(option);
        verb.Run(terminal, (parsed, _) =>
        {
            string source = parsed.GetValue(from)!, target = parsed.GetValue(to)!;
            var mlContext = new MLContext(1);
            if (Directory.Exists(source))
            {
                OutputFile.Check(target);
                using var model = mlContext.Model.LoadAdapter(
                    source, parsed.GetValue(baseModel), parsed.GetValue(label)!, parsed.GetValue(text)!, parsed.GetValue(second), parsed.GetValue(template)?.Replace("\\n", "\n", StringComparison.Ordinal));
                Save(mlContext, model, target);
            }
            else
            {
                if (File.Exists(target))
                    throw new IOException($"'{target}' is a file; give the adapter directory to write.");
                using var trained = TrainedModel.Load(mlContext, source, parsed.GetValue(baseModel));
                trained.SoftPrompt.SaveAdapter(target);
            }
            if (terminal.Json)
                terminal.WriteJson(new { From = Path.GetFullPath(source), To = Path.GetFullPath(target) });
            else
                terminal.Out.WriteLine($"Converted '{source}' to '{target}'.");
        });
        return verb;
    }

    private static Option<string> Column(string name, string description, string fallback) =>
        new(name) { Description = description, HelpName = "NAME", DefaultValueFactory = _ => fallback };

    private static void Save(MLContext mlContext, SoftPromptTransformer model, string target)
    {
        string[] names = model.SecondTextColumnName is { } second ? [model.TextColumnName, second] : [model.TextColumnName];
        // A pipeline is saved with the columns that it reads, for which a row without texts stands.
        var rows = new TableView(TableFile.OfRow(names, new string[names.Length]), [.. names.Select(name => new TableColumn(name, null, TextDataViewType.Instance))], default);
        OutputFile.Write(target, stream => mlContext.Model.Save(TrainingRun.Chain(mlContext, model, rows), rows.Schema, stream));
    }
}
