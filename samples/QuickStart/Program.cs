using Microsoft.ML;
using Microsoft.ML.Peft;
using QuickStart;
using Samples;

Screen.Prepare();
return Arguments.Invoke(args, arguments => ExitCode.Of(() => Run(arguments)));

static void Run(Arguments arguments)
{
    var mlContext = new MLContext(arguments.Seed);

    // The data: rows with the columns Text and Label.
    var train = TicketFile.Load(mlContext, arguments.TrainFile, arguments.TextColumn, arguments.LabelColumn);
    IDataView test;
    if (arguments.TestFile is { } testFile)
        test = TicketFile.Load(mlContext, testFile, arguments.TextColumn, arguments.LabelColumn);
    else
        (train, test) = TicketFile.Split(mlContext, train, testFraction: 0.2, arguments.Seed);

    // The pipeline: labels to keys, the soft prompt, keys back to labels.
    using var controlC = new ControlC();
    var pipeline = mlContext.Transforms.Conversion.MapValueToKey("Label")
        .Append(SoftPrompt(mlContext.Transforms, arguments, controlC.Token))
        .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

    Screen.Heading($"Training ({arguments.Method}, {arguments.VirtualTokens} virtual tokens)");
    using var model = TrainingDisplay.Run(mlContext, () => pipeline.Fit(train));
    controlC.Dispose();     // from here on Ctrl+C ends the program at once
    var softPrompt = model.OfType<SoftPromptTransformer>().Single();
    var classes = softPrompt.Model.Labels!;

    // Evaluation, as of every multiclass model. Rows are scored when they are read; the cache keeps that to once.
    var scored = mlContext.Data.Cache(model.Transform(test));
    var metrics = mlContext.MulticlassClassification.Evaluate(scored);
    var named = mlContext.Transforms.Conversion.MapKeyToValue("Label").Fit(scored).Transform(scored);
    var predictions = mlContext.Data.CreateEnumerable<LabeledPrediction>(named, reuseRowObject: false).ToList();
    Screen.Heading("Evaluation on the test rows");
    Report.Evaluation(metrics, classes, predictions.Count);
    Report.Probe(softPrompt.TrainingHistory);
    Screen.Heading("Some of the test rows");
    Report.Predictions(predictions, classes);

    // One file with the whole pipeline. It names the frozen model instead of holding it.
    mlContext.Model.Save(model, train.Schema, arguments.Output.FullName);
    Screen.Heading("Saved and loaded again");
    Report.File(arguments.Output);

    using var engine = mlContext.Model.CreatePredictionEngine<Ticket, Prediction>(mlContext.Model.Load(arguments.Output.FullName, out _));
    foreach (string text in Report.Texts(arguments.Text))
        Report.Prediction(engine.Predict(new Ticket { Text = text }), classes);
}

static IEstimator<SoftPromptTransformer> SoftPrompt(TransformsCatalog transforms, Arguments arguments, CancellationToken cancellation)
{
    return arguments.Method switch
    {
        "prompt" => transforms.PromptTuning(Set(new PromptTuningOptions())),
        "prefix" => transforms.PrefixTuning(Set(new PrefixTuningOptions())),
        "prefix-projected" => transforms.PrefixTuning(Set(new PrefixTuningOptions { Projection = true })),
        "ptuning-mlp" => transforms.PTuning(Set(new PTuningOptions { Encoder = PromptEncoder.Mlp })),
        "ptuning-lstm" => transforms.PTuning(Set(new PTuningOptions { Encoder = PromptEncoder.Lstm })),
        _ => throw new ArgumentException($"There is no method '{arguments.Method}'."),
    };

    T Set<T>(T options) where T : SoftPromptOptions
    {
        options.LabelColumnName = "Label";
        options.TextColumnName = "Text";
        options.VirtualTokens = arguments.VirtualTokens;
        options.MaxEpochs = arguments.Epochs;
        options.CancellationToken = cancellation;
        return options;
    }
}
