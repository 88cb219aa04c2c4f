using Microsoft.ML;
using Microsoft.ML.Data;

namespace Sentiment;

public static partial class SentimentModel
{
    /// <summary>How good the model is on the rows of a file. Rows that it was trained on say little.</summary>
    public static CalibratedBinaryClassificationMetrics Evaluate(string dataPath)
    {
        var mlContext = new MLContext(seed: 1);
        return Evaluate(mlContext, LoadModel(mlContext), LoadIDataViewFromFile(mlContext, dataPath));
    }

    /// <summary>How good a model is on some rows.</summary>
    public static CalibratedBinaryClassificationMetrics Evaluate(MLContext mlContext, ITransformer model, IDataView data) => mlContext.BinaryClassification.Evaluate(model.Transform(data), "Positive", "Score", "Probability", "PredictedLabel");
}
