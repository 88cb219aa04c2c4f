using System.Runtime.CompilerServices;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Makes schema shapes as ML.NET's own estimator chain does, and writes them down for comparison.</summary>
internal static class SchemaShapes
{
    public static SchemaShape Of(DataViewSchema schema) => Create(null, schema);

    public static IReadOnlyList<string> Describe(SchemaShape shape) => [.. shape.Select(Describe)];

    private static string Describe(SchemaShape.Column column)
    {
        string annotations = string.Join(", ", column.Annotations.Select(Describe).Order(StringComparer.Ordinal));
        return $"{column.Name}: {column.Kind} {column.ItemType}{(column.IsKey ? " key" : "")} [{annotations}]";
    }

    [UnsafeAccessor(UnsafeAccessorKind.StaticMethod)]
    private static extern SchemaShape Create(SchemaShape? type, DataViewSchema schema);
}
