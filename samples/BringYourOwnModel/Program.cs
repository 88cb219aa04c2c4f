using BringYourOwnModel;
using Microsoft.ML;
using Microsoft.ML.Peft;
using Samples;
using Spectre.Console;

Screen.Prepare();
return Arguments.Invoke(args, arguments => ExitCode.Of(() => Run(arguments)));

static void Run(Arguments arguments)
{
    using var controlC = new ControlC();
    var options = new GenerationOptions { MaxNewTokens = arguments.MaxNewTokens };
    string Own(string path) => Path.Combine(AppContext.BaseDirectory, path);
    if (arguments.Model is { } model)
    {
        Show(model, arguments.Adapter?.FullName, arguments.Text ?? "Hello!", options, controlC.Token);
        return;
    }
    Screen.Heading("A directory in Hugging Face layout, with an adapter that this library has trained");
    Show("all-MiniLM-L6-v2", Own("adapter"), arguments.Text ?? "Where is my parcel?", options, controlC.Token);
    Screen.Heading("A GGUF file, with 4-bit weights");
    Show("SmolLM2-135M-Instruct", null, arguments.Text ?? "The three primary colours are", options, controlC.Token);
    Screen.Heading("A directory with an adapter that Hugging Face PEFT has trained in Python");
    Show(Own("python/tiny-bert"), Own("python/adapter"), arguments.Text ?? "whale and sea", options, controlC.Token);
}

static void Show(string model, string? adapter, string text, GenerationOptions options, CancellationToken cancellation)
{
    // What the files say, without loading weights.
    var description = ModelDescription.Read(model);
    Report.Model(description);
    if (adapter is not null)
        Report.Adapter(AdapterDescription.Read(adapter));
    else if (!description.Writes)
        throw new ArgumentException($"'{model}' is an encoder, which reads and does not write: give an adapter with --adapter, or train one with new PrefixTuningOptions {{ Model = \"{model}\" }}.");

    using var backbone = PretrainedModel.Load(model);
    AnsiConsole.MarkupLineInterpolated($"> {text}");
    if (adapter is null)
    {
        Report.Text(backbone.Generate([text], options, cancellation)[0]);
        return;
    }
    using var tuned = PeftModel.Load(backbone, adapter);
    switch (tuned.Task)
    {
        case PredictionTask.Generation:
            string prompt = (tuned.PromptTemplate ?? "{text}").Replace("{text}", text, StringComparison.Ordinal);
            Report.Text(tuned.Generate([prompt], options, cancellation)[0]);
            break;
        case PredictionTask.Regression:
            Report.Value(Value(model, adapter, text));
            break;
        default:
            Report.Classes(tuned.Classify([text])[0], tuned.Labels);
            break;
    }
}

// In a pipeline of ML.NET an adapter is a transformer.
static float Value(string model, string adapter, string text)
{
    var mlContext = new MLContext();
    using var engine = mlContext.Model.CreatePredictionEngine<Input, Output>(mlContext.Model.LoadAdapter(adapter, model));
    return engine.Predict(new Input { Text = text }).Score;
}
