using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Finds the columns that a component reads and refuses unsuitable ones.</summary>
internal static class InputColumns
{
    public static SchemaShape.Column FindText(SchemaShape schema, string role, string name)
    {
        var column = Find(schema, role, name);
        string type = column.GetTypeString();
        if (column.Kind != SchemaShape.Column.VectorKind.Scalar || column.ItemType is not TextDataViewType)
            throw new ArgumentException($"The {role} column '{name}' is {type}; it must be a single Text per row.", nameof(schema));
        return column;
    }

    /// <summary>One or several texts per row.</summary>
    public static void FindTexts(SchemaShape schema, string role, string name)
    {
        var column = Find(schema, role, name);
        if (column.ItemType is not TextDataViewType)
            throw new ArgumentException($"The {role} column '{name}' is {column.GetTypeString()}; it must be Text, or a vector of Text.", nameof(schema));
    }

    public static (SchemaShape.Column Column, PredictionTask Task) FindLabel(SchemaShape schema, string name)
    {
        var column = Find(schema, "label", name);
        string type = column.GetTypeString();
        if (column.Kind == SchemaShape.Column.VectorKind.Scalar)
        {
            if (column.IsKey)
                return (column, PredictionTask.Multiclass);
            if (column.ItemType is BooleanDataViewType)
                return (column, PredictionTask.Binary);
            if (column.ItemType == NumberDataViewType.Single)
                return (column, PredictionTask.Regression);
            if (column.ItemType is TextDataViewType)
                return (column, PredictionTask.Generation);
        }
        throw new ArgumentException(
            $"The label column '{name}' is {type}; it must be a Key (multiclass classification, see Conversion.MapValueToKey), " +
            "a Boolean (binary classification), a Single (regression) or a Text (generation).", nameof(schema));
    }

    private static SchemaShape.Column Find(SchemaShape schema, string role, string name)
    {
        if (schema.TryFindColumn(name, out var column))
            return column;
        throw new ArgumentException(
            $"The {role} column '{name}' is missing; the columns are {string.Join(", ", schema.Select(c => $"'{c.Name}'"))}.", nameof(schema));
    }
}
