using CrossValidation;
using Microsoft.ML;
using Microsoft.ML.Peft;
using Samples;

Screen.Prepare();
return Arguments.Invoke(args, arguments => ExitCode.Of(() => Run(arguments)));

static void Run(Arguments arguments)
{
    var mlContext = new MLContext(arguments.Seed);
    var rows = mlContext.Data.LoadFromTextFile<Ticket>(arguments.DataFile.FullName, hasHeader: true);

    // Labels become keys before the rows are split, so that a key means the same class in every fold.
    var keys = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(rows);

    using var controlC = new ControlC();
    var softPrompt = mlContext.Transforms.PrefixTuning(new PrefixTuningOptions
    {
        VirtualTokens = arguments.VirtualTokens,
        MaxEpochs = arguments.Epochs,
        CancellationToken = controlC.Token,
    });

    Screen.Heading($"Training on {arguments.Folds - 1} of {arguments.Folds} parts, {arguments.Folds} times");
    var folds = TrainingDisplay.Run(mlContext, () => mlContext.MulticlassClassification.CrossValidate(keys.Transform(rows), softPrompt, arguments.Folds));

    Screen.Heading("Every part, scored by the model that has not seen it");
    Report.Folds([.. folds.Select(fold => fold.Metrics)]);

    // All rows together: each was scored once.
    var classes = ((SoftPromptTransformer)folds[0].Model).Model.Labels!;
    var predictions = folds.SelectMany(fold => mlContext.Data.CreateEnumerable<Prediction>(fold.ScoredHoldOutSet, reuseRowObject: false)).ToList();
    var calibration = Calibration.Of(predictions);
    Report.Calibration(calibration);
    Charts.SaveConfusion(folds.Select(fold => fold.Metrics.ConfusionMatrix), classes, arguments.File("confusion.svg"));
    Charts.SaveCalibration(calibration, arguments.File("calibration.svg"));
    Report.Files(arguments.File("confusion.svg"), arguments.File("calibration.svg"));
    foreach (var fold in folds)
        ((IDisposable)fold.Model).Dispose();
}
