using Microsoft.ML.Data;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The rows to learn from: which columns, which task, and the labels as the task takes them.</summary>
internal sealed record TrainingData
{
    private const long LargeFile = 100_000_000;

    private TrainingData() { }

    public required TableFile Table { get; init; }

    public required string Text { get; init; }

    public required string? SecondText { get; init; }

    public required string Label { get; init; }

    public required LabelProfile Labels { get; init; }

    public required PredictionTask Task { get; init; }

    /// <summary>The rows, with keys where the task is to classify.</summary>
    public required IDataView Rows { get; init; }

    /// <summary>Turns text labels into the keys of the training rows; null where labels are no classes.</summary>
    public required ITransformer? ToKeys { get; init; }

    public static TrainingData Read(
        MLContext mlContext, string path, TableOptions options, (string? Text, string? Second, string? Label) columns, PredictionTask? asked, Terminal terminal, CancellationToken cancellation)
    {
        var table = TableFile.Open(path, options);
        var inference = new ColumnInference(table);
        var (text, label) = inference.ForTraining(columns.Text, columns.Second, columns.Label, asked);
        string? second = columns.Second is { } name ? inference.Existing(name) : null;
        var labels = ProgressBar.Run(terminal, $"Reading {Path.GetFileName(path)}", bar =>
        {
            table.Progress = part => bar.Set(part);
            var profile = LabelProfile.Read(table, label, cancellation);
            table.Progress = null;
            return profile;
        });
        var task = labels.Task(asked);
        terminal.Note(Summary(table, text, second, label, labels, task));
        if (new FileInfo(path).Length is >= LargeFile and var bytes)
            terminal.Note($"The file has {Figures.Bytes(bytes)}, and learning keeps all its texts and tokens in memory, several times as much. A few thousand rows often teach as well.");
        var rows = View(table, text, second, label, labels.Type(task), cancellation);
        var toKeys = task == PredictionTask.Multiclass
            ? mlContext.Transforms.Conversion.MapValueToKey(label, keyOrdinality: Transforms.ValueToKeyMappingEstimator.KeyOrdinality.ByValue).Fit(rows)
            : null;
        return new TrainingData
        {
            Table = table,
            Text = text,
            SecondText = second,
            Label = label,
            Labels = labels,
            Task = task,
            ToKeys = toKeys,
            Rows = toKeys is null ? rows : toKeys.Transform(rows),
        };
    }

    /// <summary>Further rows with the same columns, to validate on.</summary>
    public IDataView Like(string path, TableOptions options, CancellationToken cancellation)
    {
        var rows = View(TableFile.Open(path, options), Text, SecondText, Label, Labels.Type(Task), cancellation);
        return ToKeys is null ? rows : ToKeys.Transform(rows);
    }

    private static TableView View(TableFile table, string text, string? second, string label, PrimitiveDataViewType labelType, CancellationToken cancellation)
    {
        string[] texts = second is null ? [text] : [text, second];
        return new TableView(table, [.. texts.Select(name => new TableColumn(name, name, TextDataViewType.Instance)), new TableColumn(label, label, labelType)], cancellation, required: label);
    }

    private static string Summary(TableFile table, string text, string? second, string label, LabelProfile labels, PredictionTask task)
    {
        string what = task switch
        {
            PredictionTask.Multiclass => $"{labels.Counts.Count} classes",
            PredictionTask.Binary => "true or false",
            PredictionTask.Regression => "numbers",
            _ => "texts to write",
        };
        string missing = labels.Missing == 0 ? "" : $"; {labels.Missing} more without a label are left out";
        return $"{table.Name}: {labels.Rows} rows{missing}. Texts in '{text}'{(second is null ? "" : $" and '{second}'")}, labels in '{label}': {what}.";
    }
}
