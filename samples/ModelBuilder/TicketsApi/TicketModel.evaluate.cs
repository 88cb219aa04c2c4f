using Microsoft.ML;
using Microsoft.ML.Data;

namespace TicketsApi;

public static partial class TicketModel
{
    /// <summary>How good the model is on the rows of a file. Rows that it was trained on say little.</summary>
    public static MulticlassClassificationMetrics Evaluate(string dataPath)
    {
        var mlContext = new MLContext(seed: 1);
        return Evaluate(mlContext, LoadModel(mlContext), LoadIDataViewFromFile(mlContext, dataPath));
    }

    /// <summary>How good a model is on some rows.</summary>
    public static MulticlassClassificationMetrics Evaluate(MLContext mlContext, ITransformer model, IDataView data)
    {
        // The pipeline may turn the label into a number of its own.
        var labelled = mlContext.Transforms.CopyColumns("TrueClass", "Label").Fit(data).Transform(data);
        var scored = mlContext.Data.Cache(model.Transform(labelled));
        VBuffer<ReadOnlyMemory<char>> names = default;
        scored.Schema["Score"].GetSlotNames(ref names);
        var classes = mlContext.Data.LoadFromEnumerable(names.DenseValues().Select(name => new ClassName { Name = name.ToString() }));
        var numbered = mlContext.Transforms.Conversion.MapValueToKey([new("TrueClass"), new("PredictedClass", "PredictedLabel")], keyData: classes).Fit(scored).Transform(scored);
        return mlContext.MulticlassClassification.Evaluate(numbered, "TrueClass", "Score", "PredictedClass");
    }

    private sealed class ClassName
    {
        public string Name { get; set; } = "";
    }
}
