using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Keys without names, as a loader reads them: MapValueToKey always adds key values.</summary>
internal static class AnnotatedView
{
    /// <summary>A schema with a label of the given type and one text column.</summary>
    public static DataViewSchema Schema(DataViewType label, DataViewSchema.Annotations? annotations = null)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Label", label, annotations);
        builder.AddColumn("Text", TextDataViewType.Instance);
        return builder.ToSchema();
    }

    /// <summary>The annotation that gives a key's values.</summary>
    public static DataViewSchema.Annotations KeyValues<T>(PrimitiveDataViewType type, params T[] values)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add("KeyValues", new VectorDataViewType(type, values.Length), (ref VBuffer<T> target) => target = new VBuffer<T>(values.Length, values));
        return builder.ToAnnotations();
    }
}
