using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Reads the rows to learn from once, and refuses rows that nothing can be learnt from.</summary>
/// <param name="names">The columns to read.</param>
/// <param name="task">What their labels mean.</param>
/// <param name="channel">Where skipped rows and empty texts are reported.</param>
/// <param name="checkCancelled">Called at every row.</param>
internal sealed class LabeledTextsReader(ColumnNames names, PredictionTask task, IChannel channel, Action checkCancelled)
{
    /// <summary>Rows with a class or a value.</summary>
    /// <param name="data">Rows whose schema has been checked.</param>
    /// <param name="set">What messages call them: the training set, or the validation set.</param>
    public LabeledTexts Read(IDataView data, string set)
    {
        var labels = new List<float>();
        var (texts, secondTexts) = ReadRows(data, set, cursor =>
        {
            var reader = new LabelReader(cursor, data.Schema[names.Label]);
            return () => AddUnless(float.IsNaN, reader.Read(), labels);
        });
        if (task != PredictionTask.Regression && labels.TrueForAll(v => v == labels[0]))
            throw new ArgumentException(
                $"All {labels.Count} labels of the {set} in the column '{names.Label}' are the same class; classification needs at least two.");
        return new LabeledTexts(texts, secondTexts, labels);
    }

    /// <summary>Rows with a text to write. An empty one is a missing label: ML.NET's Text knows no other.</summary>
    /// <param name="data">Rows whose schema has been checked.</param>
    /// <param name="set">What messages call them: the training set, or the validation set.</param>
    public TargetTexts ReadTargets(IDataView data, string set)
    {
        var targets = new List<string>();
        var (texts, secondTexts) = ReadRows(data, set, cursor =>
        {
            var buffer = new TextBuffer(cursor, data.Schema[names.Label], capacity: 1);
            return () => AddUnless(string.IsNullOrEmpty, buffer.ReadOne(), targets);
        });
        return new TargetTexts(texts, secondTexts, targets);
    }

    /// <summary>The texts of the rows that have a label.</summary>
    /// <param name="data">The rows.</param>
    /// <param name="set">What messages call them.</param>
    /// <param name="labelReader">For a cursor, what keeps the current row's label and says whether there is one.</param>
    private (List<string> Texts, List<string>? SecondTexts) ReadRows(IDataView data, string set, Func<DataViewRowCursor, Func<bool>> labelReader)
    {
        var texts = new List<string>();
        var secondTexts = names.SecondText is null ? null : new List<string>();
        long rows = 0, empty = 0;

        DataViewSchema.Column label = data.Schema[names.Label], text = data.Schema[names.Text];
        DataViewSchema.Column? second = names.SecondText is null ? null : data.Schema[names.SecondText];
        DataViewSchema.Column[] columns = second is { } used ? [label, text, used] : [label, text];
        using var cursor = data.GetRowCursor(columns);
        var readLabel = labelReader(cursor);
        var textBuffer = new TextBuffer(cursor, text, capacity: 1);
        var secondBuffer = second is { } column ? new TextBuffer(cursor, column, capacity: 1) : null;

        string Next(TextBuffer buffer)
        {
            string value = buffer.ReadOne();
            empty += value.Length == 0 ? 1 : 0;
            return value;
        }

        while (cursor.MoveNext())
        {
            checkCancelled();
            rows++;
            if (!readLabel())
                continue;
            texts.Add(Next(textBuffer));
            if (secondBuffer is not null)
                secondTexts!.Add(Next(secondBuffer));
        }

        if (rows == 0)
            throw new ArgumentException($"The {set} is empty; it needs rows with the columns '{names.Label}' and '{names.Text}'.");
        if (texts.Count == 0)
            throw new ArgumentException($"All {rows} labels of the {set} in the column '{names.Label}' are missing; at least some rows need a label.");
        Report(rows - texts.Count, rows, empty, set);
        return (texts, secondTexts);
    }

    private static bool AddUnless<T>(Predicate<T> missing, T label, List<T> labels)
    {
        if (missing(label))
            return false;
        labels.Add(label);
        return true;
    }

    private void Report(long unlabeled, long rows, long empty, string set)
    {
        if (unlabeled > 0)
            channel.Warning(MessageSensitivity.Schema, $"{unlabeled} of {rows} rows of the {set} have no label in the column '{names.Label}' and are left out.");
        if (empty > 0)
            channel.Warning(MessageSensitivity.Schema, $"{empty} texts of the {set} are empty; they are kept as empty texts.");
    }
}
