using SentimentModel = Sentiment.SentimentModel;

Console.OutputEncoding = System.Text.Encoding.UTF8;
switch (args)
{
    case ["--train", var file]:
        SentimentModel.Train(file, "SentimentModel.zip");
        Console.WriteLine("Saved SentimentModel.zip; the next build copies it beside the program.");
        return 0;
    case ["--evaluate", var file]:
        var metrics = SentimentModel.Evaluate(file);
        Console.WriteLine($"Accuracy {metrics.Accuracy:P1}, AUC {metrics.AreaUnderRocCurve:0.000}, F1 {metrics.F1Score:0.000}");
        return 0;
    case [] or [_]:
        var input = new SentimentModel.ModelInput { Review = args.Length == 0 ? "Never again." : args[0] };
        Console.WriteLine(input.Review);
        foreach (var (label, score) in SentimentModel.PredictAllLabels(input))
            Console.WriteLine($"{score,8:P1}  {label}");
        return 0;
    default:
        Console.Error.WriteLine("Usage: dotnet run -- TEXT, or nothing for an example; --train FILE; or --evaluate FILE");
        return 2;
}
