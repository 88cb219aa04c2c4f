using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>What a model says about a row: a class with the probability of each, a value, or a text.</summary>
/// <param name="Input">The row as it was read.</param>
/// <param name="Label">The likeliest class; null without classes.</param>
/// <param name="Probabilities">One for each class, in their order; empty without classes.</param>
/// <param name="Value">The predicted value; null without one.</param>
/// <param name="Text">The written text; null without one.</param>
internal sealed record Prediction(IReadOnlyList<string> Input, string? Label, IReadOnlyList<float> Probabilities, float? Value, string? Text)
{
    /// <summary>The probability of the likeliest class.</summary>
    public float Probability => Probabilities.Count == 0 ? float.NaN : Probabilities.Max();

    /// <summary>Predictions for rows, each computed when it is read.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Rows of <see cref="TrainedModel.View"/>.</param>
    /// <param name="inputs">The number of columns that the rows were read from.</param>
    public static IEnumerable<Prediction> Read(TrainedModel model, IDataView rows, int inputs)
    {
        var scored = model.Transform(rows);
        var soft = model.SoftPrompt;
        string output = soft.Task switch
        {
            PredictionTask.Binary => soft.ProbabilityColumnName,
            PredictionTask.Generation => soft.GeneratedTextColumnName,
            _ => soft.ScoreColumnName,
        };
        var inputColumns = Enumerable.Range(0, inputs).Select(i => scored.Schema[TrainedModel.InputName(i)]).ToList();
        using var cursor = scored.GetRowCursor([.. inputColumns, scored.Schema[output]]);
        var texts = inputColumns.ConvertAll(column => TextReader(cursor, column));
        var read = Reader(model, cursor, scored.Schema[output]);
        while (cursor.MoveNext())
            yield return read([.. texts.Select(text => text())]);
    }

    private static Func<IReadOnlyList<string>, Prediction> Reader(TrainedModel model, DataViewRow row, DataViewSchema.Column column)
    {
        var classes = model.Classes;
        Prediction Classified(IReadOnlyList<string> input, float[] probabilities) => new(input, classes[Array.IndexOf(probabilities, probabilities.Max())], probabilities, null, null);
        switch (model.SoftPrompt.Task)
        {
            case PredictionTask.Multiclass:
                var scores = row.GetGetter<VBuffer<float>>(column);
                return input =>
                {
                    VBuffer<float> values = default;
                    scores(ref values);
                    return Classified(input, [.. values.DenseValues()]);
                };
            case PredictionTask.Binary:
                var probability = NumberReader(row, column);
                return input =>
                {
                    float p = probability();
                    return Classified(input, [1 - p, p]);
                };
            case PredictionTask.Regression:
                var value = NumberReader(row, column);
                return input => new Prediction(input, null, [], value(), null);
            default:
                var text = TextReader(row, column);
                return input => new Prediction(input, null, [], null, text());
        }
    }

    private static Func<float> NumberReader(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<float>(column);
        return () =>
        {
            float value = 0;
            getter(ref value);
            return value;
        };
    }

    private static Func<string> TextReader(DataViewRow row, DataViewSchema.Column column)
    {
        var getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        return () =>
        {
            ReadOnlyMemory<char> value = default;
            getter(ref value);
            return value.ToString();
        };
    }
}
