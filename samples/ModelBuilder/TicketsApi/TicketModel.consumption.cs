using Microsoft.ML;
using Microsoft.ML.Data;

namespace TicketsApi;

/// <summary>Predicts with the model in TicketModel.zip.</summary>
public static partial class TicketModel
{
    private static readonly string ModelPath = Path.Combine(AppContext.BaseDirectory, "TicketModel.zip");

    /// <summary>A row. The label is what training learns; predictions do not need it.</summary>
    public sealed class ModelInput
    {
        [LoadColumn(0)]
        [ColumnName("Text")]
        public string Text { get; set; } = "";

        [LoadColumn(1)]
        [ColumnName("Label")]
        public string Label { get; set; } = "";
    }

    /// <summary>What the model says about a row.</summary>
    public sealed class ModelOutput
    {
        /// <summary>The likeliest class.</summary>
        [ColumnName("PredictedLabel")]
        public string PredictedLabel { get; set; } = "";

        /// <summary>The probability of each class.</summary>
        [ColumnName("Score")]
        public float[] Score { get; set; } = [];
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
        float[] scores = engine.Predict(input).Score;
        VBuffer<ReadOnlyMemory<char>> names = default;
        engine.OutputSchema["Score"].GetSlotNames(ref names);
        return [.. names.DenseValues().Zip(scores, (name, score) => KeyValuePair.Create(name.ToString(), score)).OrderByDescending(label => label.Value)];
    }
}
