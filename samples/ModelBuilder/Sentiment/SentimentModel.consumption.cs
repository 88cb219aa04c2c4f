using Microsoft.ML;
using Microsoft.ML.Data;

namespace Sentiment;

/// <summary>Predicts with the model in SentimentModel.zip.</summary>
public static partial class SentimentModel
{
    private static readonly string ModelPath = Path.Combine(AppContext.BaseDirectory, "SentimentModel.zip");

    /// <summary>A row. The label is what training learns; predictions do not need it.</summary>
    public sealed class ModelInput
    {
        [LoadColumn(0)]
        [ColumnName("Review")]
        public string Review { get; set; } = "";

        [LoadColumn(1)]
        [ColumnName("Positive")]
        public bool Positive { get; set; }
    }

    /// <summary>What the model says about a row.</summary>
    public sealed class ModelOutput
    {
        /// <summary>Whether it is likelier true than false.</summary>
        [ColumnName("PredictedLabel")]
        public bool PredictedLabel { get; set; }

        /// <summary>The probability of true.</summary>
        [ColumnName("Probability")]
        public float Probability { get; set; }

        /// <summary>Its log-odds.</summary>
        [ColumnName("Score")]
        public float Score { get; set; }
    }

    /// <summary>The model, loaded at the first prediction.</summary>
    public static Lazy<PredictionEngine<ModelInput, ModelOutput>> PredictEngine { get; } = new(() =>
    {
        var mlContext = new MLContext();
        return mlContext.Model.CreatePredictionEngine<ModelInput, ModelOutput>(LoadModel(mlContext));
    });

    /// <summary>Loads the model.</summary>
    public static ITransformer LoadModel(MLContext mlContext) => mlContext.Model.Load(ModelPath, out _);

    /// <summary>Predicts. Threads may call it at the same time, and then wait for each other.</summary>
    public static ModelOutput Predict(ModelInput input)
    {
        lock (PredictEngine)
            return PredictEngine.Value.Predict(input);
    }

    /// <summary>All classes with their probabilities, the likeliest first.</summary>
    public static IReadOnlyList<KeyValuePair<string, float>> PredictAllLabels(ModelInput input)
    {
        lock (PredictEngine)
            return PredictAllLabels(PredictEngine.Value, input);
    }

    /// <summary>The same with an engine of one's own.</summary>
    public static IReadOnlyList<KeyValuePair<string, float>> PredictAllLabels(PredictionEngine<ModelInput, ModelOutput> engine, ModelInput input)
    {
        float probability = engine.Predict(input).Probability;
        KeyValuePair<string, float>[] labels = [KeyValuePair.Create("True", probability), KeyValuePair.Create("False", 1 - probability)];
        return [.. labels.OrderByDescending(label => label.Value)];
    }
}
