using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>
/// What a fitted transformer predicts: everything that its output columns depend on besides the input schema.
/// <see cref="Outputs"/> is the width of the head, 0 where the model writes; <see cref="Keys"/> the label's key values, where it has some.
/// </summary>
internal sealed record PredictionShape(ColumnNames Names, PredictionTask Task, int Outputs, LabelKeys? Keys)
{
    /// <summary>Far above any text classification task: it catches hashed keys, whose count is the size of the hash.</summary>
    public const int MostClasses = 65536;

    /// <summary>Checks the columns of a training or validation set; the label's type decides the task.</summary>
    public static PredictionShape Of(DataViewSchema schema, ColumnNames names)
    {
        PredictionColumns.Promise(SchemaShape.Create(schema), names);
        var label = schema[names.Label];
        return label.Type switch
        {
            KeyDataViewType key => OfKey(label, key, names),
            BooleanDataViewType => new PredictionShape(names, PredictionTask.Binary, 2, null),
            TextDataViewType => new PredictionShape(names, PredictionTask.Generation, 0, null),
            _ => new PredictionShape(names, PredictionTask.Regression, 1, null),
        };
    }

    private static PredictionShape OfKey(DataViewSchema.Column label, KeyDataViewType key, ColumnNames names)
    {
        if (key.Count > MostClasses)
            throw new ArgumentException(
                $"The label column '{label.Name}' is a Key of {key.Count} classes; at most {MostClasses} are supported: map the labels with Conversion.MapValueToKey.");
        var keys = LabelKeys.From(label);
        if (keys is not null && (ulong)keys.Names.Count != key.Count)
            throw new ArgumentException(
                $"The label column '{label.Name}' is a Key of {key.Count} classes, but has {keys.Names.Count} key values; they must be as many.");
        return new PredictionShape(names, PredictionTask.Multiclass, (int)key.Count, keys);
    }
}
