using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Trainings that take a moment, and what they reported.</summary>
internal sealed class TinyTraining
{
    private static readonly string[] Fillers = ["the", "there", "was", "are", "with", "for", "from", "that", "this", "not", "now", "one", "him", "his", "all", "you"];
    private static readonly string[] Keywords = ["whale", "man", "ship"];

    public List<string> Lines { get; } = [];

    public List<TrainingProgress> Steps { get; } = [];

    /// <summary>Cancels before the step that follows so many steps.</summary>
    public int CancelAfter { get; init; } = int.MaxValue;

    public static TrainingSettings Settings { get; } = new() { MaxEpochs = 2, BatchSize = 8, Pooling = Pooling.Mean, Seed = 1 };

    public TrainingObserver Observer => new(Steps.Add, Lines.Add, () =>
    {
        if (Steps.Count >= CancelAfter)
            throw new OperationCanceledException();
    });

    /// <summary>Texts of three to eight words, one of them the class's keyword.</summary>
    public static LabeledTexts Classes(int rows, int seed = 1, int classes = 2)
    {
        var random = new Random(seed);
        string[] texts = [.. Enumerable.Range(0, rows).Select(row => Text(random, Keywords[row % classes]))];
        return new LabeledTexts(texts, null, [.. Enumerable.Range(0, rows).Select(row => (float)(row % classes))]);
    }

    /// <summary>Texts with zero to four whales among five words; the label is 1000 and 10 for each.</summary>
    public static LabeledTexts Values(int rows)
    {
        var random = new Random(1);
        string Word(int i, int whales) => i < whales ? "whale" : Fillers[random.Next(Fillers.Length)];
        string[] texts = [.. Enumerable.Range(0, rows).Select(row => string.Join(' ', Enumerable.Range(0, 5).Select(i => Word(i, row % 5))))];
        return new LabeledTexts(texts, null, [.. Enumerable.Range(0, rows).Select(row => 1000f + 10 * (row % 5))]);
    }

    public (PeftModel Model, TrainingHistory History) Run(
        PretrainedModel backbone, LabeledTexts train, TrainingSettings? settings = null, string method = "prompt tuning",
        LabeledTexts? validation = null, PredictionTask task = PredictionTask.Multiclass, MethodSettings? methodSettings = null, string? checkpointDirectory = null)
    {
        int outputs = task == PredictionTask.Regression ? 1 : (int)train.Labels.Max() + 1;
        return SoftPromptTrainer.Train(backbone, methodSettings ?? TinyMethods.Of(method), task, outputs, train, validation, settings ?? Settings, Observer, checkpointDirectory);
    }

    /// <summary>The same training, to be run epoch by epoch.</summary>
    public SoftPromptTrainer Begin(
        PretrainedModel backbone, LabeledTexts train, TrainingSettings? settings = null, string method = "prompt tuning",
        LabeledTexts? validation = null, PredictionTask task = PredictionTask.Multiclass, MethodSettings? methodSettings = null)
    {
        settings ??= Settings;
        methodSettings ??= TinyMethods.Of(method);
        var random = new Random(settings.Seed);
        int outputs = task == PredictionTask.Regression ? 1 : (int)train.Labels.Max() + 1;
        var (rows, held) = SoftPromptTrainer.Tokenize(backbone, methodSettings, task, train, validation, settings, Observer, random);
        return new SoftPromptTrainer(backbone, methodSettings, task, outputs, rows, held, settings, Observer, random);
    }

    public static double Accuracy(PeftModel model, LabeledTexts rows)
    {
        var probabilities = model.Classify(rows.Texts, rows.SecondTexts);
        return probabilities.Zip(rows.Labels).Count(row => Array.IndexOf(row.First, row.First.Max()) == (int)row.Second) / (double)rows.Count;
    }

    private static string Text(Random random, string keyword)
    {
        var words = Enumerable.Range(0, random.Next(2, 8)).Select(_ => Fillers[random.Next(Fillers.Length)]).ToList();
        words.Insert(random.Next(words.Count + 1), keyword);
        return string.Join(' ', words);
    }
}
