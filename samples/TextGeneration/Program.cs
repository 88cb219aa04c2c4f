using Microsoft.ML;
using Microsoft.ML.Peft;
using Samples;
using TextGeneration;

const string Template = "{text}\n";     // what the model is given; it writes on from there
const int TrainingRows = 320, TestRows = 16, MostTestRows = 24, RowsShown = 3;      // writing takes long
const string DefaultModel = "SmolLM2-135M-Instruct";

Screen.Prepare();
return Arguments.Invoke(args, arguments => ExitCode.Of(() => RunAsync(arguments).GetAwaiter().GetResult()));

static async Task RunAsync(Arguments arguments)
{
    using var controlC = new ControlC();
    var mlContext = new MLContext(arguments.Seed);
    var train = TrailFile.Load(mlContext, arguments.TrainFile, arguments.Limit ?? TrainingRows);
    var test = TrailFile.Load(mlContext, arguments.TestFile, Math.Min(arguments.Limit ?? TestRows, MostTestRows));
    var rows = mlContext.Data.CreateEnumerable<Trail>(test, reuseRowObject: false).ToList();

    // What the frozen model writes by itself. The pipeline shares its weights.
    var writing = new GenerationOptions { MaxNewTokens = 64 };
    using var backbone = PretrainedModel.Load(arguments.Model ?? DefaultModel);
    var texts = backbone.Generate([.. rows.Select(row => Prompt(row.Text))], writing, controlC.Token);
    var before = rows.Zip(texts, (row, text) => new WrittenTrail { Text = row.Text, Label = row.Label, GeneratedText = text }).ToList();
    Screen.Heading("What the base model writes");
    Report.Texts(before.Take(RowsShown));

    // The pipeline: a label of type Text means that the model learns to write it.
    var pipeline = SoftPrompt(mlContext.Transforms, arguments, writing, controlC.Token);
    Screen.Heading($"Training ({arguments.Method}, {arguments.VirtualTokens} virtual tokens)");
    using var model = TrainingDisplay.Run(mlContext, () => pipeline.Fit(train));

    // Rows are written when they are read; the cache keeps that to once.
    var scored = mlContext.Data.Cache(model.Transform(test));
    var after = mlContext.Data.CreateEnumerable<WrittenTrail>(scored, reuseRowObject: false).ToList();
    Screen.Heading("Before and after");
    Report.Comparison(before.Take(RowsShown), after);
    Report.Evaluation(mlContext.TextGeneration().Evaluate(mlContext.Data.LoadFromEnumerable(before)), mlContext.TextGeneration().Evaluate(scored));
    controlC.Token.ThrowIfCancellationRequested();

    // One file with the pipeline. It names the frozen model instead of holding it.
    mlContext.Model.Save(model, train.Schema, arguments.Output.FullName);
    Screen.Heading("Saved and loaded again");
    Report.File(arguments.Output);

    using var loaded = (SoftPromptTransformer)mlContext.Model.Load(arguments.Output.FullName, out _);
    string facts = arguments.Text ?? rows[^1].Text;
    await Report.StreamAsync(facts, loaded.Model.GenerateStreamAsync(Prompt(facts), writing, controlC.Token));
}

static string Prompt(string text) => Template.Replace("{text}", text, StringComparison.Ordinal);

static IEstimator<SoftPromptTransformer> SoftPrompt(TransformsCatalog transforms, Arguments arguments, GenerationOptions writing, CancellationToken cancellation)
{
    return arguments.Method switch
    {
        "prefix" => transforms.PrefixTuning(Set(new PrefixTuningOptions())),
        "prefix-projected" => transforms.PrefixTuning(Set(new PrefixTuningOptions { Projection = true })),
        "prompt" => transforms.PromptTuning(Set(new PromptTuningOptions())),
        "ptuning" => transforms.PTuning(Set(new PTuningOptions())),
        _ => throw new ArgumentException($"There is no method '{arguments.Method}'."),
    };

    T Set<T>(T options) where T : SoftPromptOptions
    {
        options.LabelColumnName = nameof(Trail.Label);
        options.TextColumnName = nameof(Trail.Text);
        options.Model = arguments.Model;
        options.PromptTemplate = Template;
        options.Generation = writing;
        options.VirtualTokens = arguments.VirtualTokens;
        options.MaxEpochs = arguments.Epochs;
        options.CancellationToken = cancellation;
        return options;
    }
}
