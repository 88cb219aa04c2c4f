namespace Microsoft.ML.Peft.DataViews;

/// <summary>What every cursor refuses.</summary>
internal static class CursorErrors
{
    public static InvalidOperationException NoCurrentRow()
        => new("The cursor is at no row: values can be read after MoveNext returned true, until it returns false or the cursor is disposed.");

    public static void CheckActive(DataViewRow row, DataViewSchema.Column column)
    {
        if (!row.IsColumnActive(column))
            throw new InvalidOperationException($"The column '{column.Name}' was not asked for when the cursor was made; name it in GetRowCursor.");
    }
}
