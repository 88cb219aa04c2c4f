namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>The file of rows in a generated project.</summary>
/// <param name="FilePath">Its name in the project.</param>
/// <param name="Rows">The number of rows.</param>
/// <param name="ColumnProperties">Its columns in their order.</param>
internal sealed record DataSource(string FilePath, int Rows, IReadOnlyList<DataColumn> ColumnProperties)
{
    public string Type { get; init; } = "TabularFile";

    public string Delimiter { get; init; } = ",";

    public string DecimalMarker { get; init; } = ".";

    public bool HasHeader { get; init; } = true;

    public bool AllowQuoting { get; init; } = true;

    public bool ReadMultilines { get; init; } = true;

    public static DataSource Of(TrainingConfig config, string path, int rows)
    {
        var columns = new ModelColumns(config);
        string label = config.Scenario switch { PredictionTask.Binary => "Boolean", PredictionTask.Regression => "Single", _ => "String" };
        return new DataSource(path, rows, [.. columns.Texts.Select(text => new DataColumn(text.Column, "Feature", "String")), new DataColumn(columns.Label.Column, "Label", label)]);
    }
}

/// <summary>A column of the rows.</summary>
/// <param name="ColumnName">Its name.</param>
/// <param name="ColumnPurpose">`Feature` or `Label`.</param>
/// <param name="ColumnDataFormat">`String`, `Boolean` or `Single`.</param>
internal sealed record DataColumn(string ColumnName, string ColumnPurpose, string ColumnDataFormat);
