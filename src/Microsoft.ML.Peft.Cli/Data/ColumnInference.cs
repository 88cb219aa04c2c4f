namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>Finds the text and label columns that the user does not name: by usual names, then by what they hold.</summary>
internal sealed class ColumnInference
{
    private const double ClearlyLonger = 1.5;
    private const int LongestLabel = 60;

    private static readonly string[] TextNames =
        ["text", "texts", "sentence", "message", "review", "comment", "content", "body", "question", "utterance", "input", "prompt", "facts", "nachricht", "satz", "frage", "inhalt", "kommentar", "本文", "テキスト", "文章", "文"];

    private static readonly string[] LabelNames =
        ["label", "labels", "class", "category", "target", "intent", "sentiment", "output", "y", "kategorie", "klasse", "ziel", "ラベル", "カテゴリ", "カテゴリー", "分類", "クラス"];

    private readonly TableFile _table;
    private readonly IReadOnlyList<string[]> _rows;

    public ColumnInference(TableFile table) => (_table, _rows) = (table, table.Sample());

    /// <param name="text">The text column that is given.</param>
    /// <param name="second">The second text column that is given, which is never inferred.</param>
    /// <param name="label">The label column that is given.</param>
    /// <param name="task">The task that is asked for.</param>
    /// <exception cref="InvalidDataException">A given column is missing, or one is not clear.</exception>
    public (string Text, string Label) ForTraining(string? text, string? second, string? label, PredictionTask? task)
    {
        text = text is null ? null : Existing(text);
        label = label is null ? null : Existing(label);
        second = second is null ? null : Existing(second);
        if (_table.Columns.Count < 2)
            throw new InvalidDataException($"'{_table.Name}' has the one column '{_table.Columns[0]}'; training needs a text and a label column (is the separator right? --separator names it).");
        if (_rows.Count < LabelProfile.FewestRows)
            throw new InvalidDataException($"'{_table.Name}' has {_rows.Count} rows; training needs at least {LabelProfile.FewestRows}.");
        label ??= Named(LabelNames, text, second);
        text ??= Named(TextNames, label, second) ?? Longest(label, second);
        label ??= Labels(task, text, second);
        return (text, label);
    }

    /// <summary>The text column to predict on.</summary>
    /// <param name="text">The text column that is given.</param>
    /// <param name="trained">The name that it had in training.</param>
    /// <param name="label">The label column's name in training, which is no text.</param>
    public string ForPrediction(string? text, string trained, string label)
    {
        if (text is not null)
            return Existing(text);
        if (_table.Find(trained) is { } same)
            return _table.Columns[same];
        return _table.Columns is [var only] ? only : Named(TextNames, label) ?? Longest(label, null);
    }

    public string Existing(string name) => _table.Columns[_table.IndexOf(name)];

    private string? Named(string[] names, params string?[] taken)
    {
        string[] found = [.. _table.Columns.Where(column => !taken.Contains(column) && names.Contains(column.Trim().ToLowerInvariant()))];
        return found is [var one] ? one : null;
    }

    private string Longest(params string?[] taken)
    {
        var columns = _table.Columns.Where(column => !taken.Contains(column)).Select(column => (Name: column, Length: MeanLength(column))).OrderByDescending(column => column.Length).ToList();
        if (columns.Count == 1 || columns[0].Length >= ClearlyLonger * columns[1].Length)
            return columns[0].Name;
        throw new InvalidDataException($"Which column of '{_table.Name}' holds the texts is not clear; name one with --text-col: {TableFile.Listed(columns.Select(column => column.Name))}.");
    }

    private string Labels(PredictionTask? task, params string?[] taken)
    {
        string[] others = [.. _table.Columns.Where(column => !taken.Contains(column))];
        string[] likely = others.Length == 1 ? others : [.. others.Where(column => MayBeLabel(column, task))];
        if (likely is [var one])
            return one;
        throw new InvalidDataException($"Which column of '{_table.Name}' holds the labels is not clear; name one with --label-col: {TableFile.Listed(likely.Length > 0 ? likely : others)}.");
    }

    private bool MayBeLabel(string column, PredictionTask? task)
    {
        string[] values = [.. Values(column).Where(value => value.Length > 0)];
        int distinct = values.Distinct().Count();
        return task switch
        {
            PredictionTask.Regression => values.Length > 0 && values.All(value => LabelText.Number(value) is not null),
            PredictionTask.Generation => values.Length > 0 && values.Any(value => LabelText.Number(value) is null),
            _ => distinct >= 2 && distinct <= values.Length / 2 && values.All(value => value.Length <= LongestLabel),
        };
    }

    private double MeanLength(string column) => _rows.Count == 0 ? 0 : Values(column).Average(value => value.Length);

    private IEnumerable<string> Values(string column)
    {
        int index = _table.IndexOf(column);
        return _rows.Select(row => row[index]);
    }
}
