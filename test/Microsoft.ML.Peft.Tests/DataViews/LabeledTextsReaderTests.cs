using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.Tests.DataViews;

public sealed class LabeledTextsReaderTests
{
    private readonly MLContext _context = new(seed: 1);
    private readonly List<string> _log = [];

    public LabeledTextsReaderTests() => _context.Log += (_, e) => _log.Add(e.Message);

    [Fact]
    public void Rows_without_a_label_are_left_out_and_counted()
    {
        var texts = Read(PredictionTask.Regression, [new Row(1, "a"), new Row(float.NaN, "b"), new Row(3, "c")]);
        Assert.Equal(["a", "c"], texts.Texts);
        Assert.Equal([1f, 3f], texts.Labels);
        Assert.Null(texts.SecondTexts);
        Assert.Contains(_log, line => line.Contains("1 of 3 rows of the training set have no label in the column 'Label' and are left out."));
    }

    [Fact]
    public void Missing_texts_are_empty_texts_and_counted()
    {
        var texts = Read(PredictionTask.Regression, [new Row(1, null), new Row(2, ""), new Row(3, "c")]);
        Assert.Equal(["", "", "c"], texts.Texts);
        Assert.Contains(_log, line => line.Contains("2 texts of the training set are empty; they are kept as empty texts."));
    }

    // A class's key values count from 0; those that reach the count are missing.
    [Fact]
    public void Keys_become_class_indices_from_zero_and_key_zero_is_a_missing_label()
    {
        var texts = Read(PredictionTask.Multiclass, [new KeyRow(2, "a"), new KeyRow(3, "b"), new KeyRow(0, "c")]);
        Assert.Equal([2f, 0f], texts.Labels);
        Assert.Equal(["a", "c"], texts.Texts);
    }

    [Fact]
    public void Byte_keys_are_read_too()
        => Assert.Equal([2f, 0f], Read(PredictionTask.Multiclass, [new ByteKeyRow(2, "a"), new ByteKeyRow(3, "b"), new ByteKeyRow(0, "c")]).Labels);

    [Fact]
    public void Booleans_become_zero_and_one()
        => Assert.Equal([0f, 1f], Read(PredictionTask.Binary, [new FlagRow(false, "a"), new FlagRow(true, "b")]).Labels);

    [Fact]
    public void Second_texts_are_read_beside_the_first()
    {
        var texts = Read(PredictionTask.Regression, [new PairRow(1, "a", "b"), new PairRow(2, "c", null)], TestColumns.PairNames);
        Assert.Equal(["b", ""], texts.SecondTexts);
    }

    [Fact]
    public void An_empty_set_is_refused()
        => Refused(PredictionTask.Regression, Array.Empty<Row>(), "The training set is empty; it needs rows with the columns 'Label' and 'Text'.");

    [Fact]
    public void A_set_without_any_label_is_refused()
        => Refused(PredictionTask.Regression, [new Row(float.NaN, "a"), new Row(float.NaN, "b")],
            "All 2 labels of the training set in the column 'Label' are missing; at least some rows need a label.");

    [Fact]
    public void A_set_of_one_class_is_refused()
    {
        const string message = "All 2 labels of the training set in the column 'Label' are the same class; classification needs at least two.";
        Refused(PredictionTask.Multiclass, [new KeyRow(1, "a"), new KeyRow(1, "b")], message);
        Refused(PredictionTask.Binary, [new FlagRow(true, "a"), new FlagRow(true, "b")], message);
    }

    [Fact]
    public void An_infinite_label_is_refused_with_its_row()
        => Refused(PredictionTask.Regression, [new Row(1, "a"), new Row(float.PositiveInfinity, "b")],
            "The label column 'Label' is infinite in row 1 (the first is row 0); remove the row or replace its label by a number.");

    [Fact]
    public void The_rows_are_read_once_and_the_cursor_is_disposed()
    {
        var data = new TrackedView(_context.Data.LoadFromEnumerable([new Row(1, "a"), new Row(float.NegativeInfinity, "b")]));
        Assert.Throws<ArgumentException>(() => Reader(PredictionTask.Regression, TestColumns.Names).Read(data, "training set"));
        Assert.Equal(0, data.OpenCursors);
    }

    [Fact]
    public void Reading_can_be_cancelled_at_every_row()
    {
        int rows = 0;
        using var channel = Channel();
        var reader = new LabeledTextsReader(TestColumns.Names, PredictionTask.Regression, channel, () =>
        {
            if (++rows == 2)
                throw new OperationCanceledException();
        });
        var data = _context.Data.LoadFromEnumerable([new Row(1, "a"), new Row(2, "b"), new Row(3, "c")]);
        Assert.Throws<OperationCanceledException>(() => reader.Read(data, "training set"));
        Assert.Equal(2, rows);
    }

    [Fact]
    public void Texts_to_write_are_read_beside_the_texts_and_empty_ones_are_missing_labels()
    {
        var rows = _context.Data.LoadFromEnumerable([new TargetRow("sun", "a", "x"), new TargetRow("", "b", "y"), new TargetRow(null, "c", "z"), new TargetRow(" ", null, null)]);
        var texts = Reader(PredictionTask.Generation, TestColumns.PairNames).ReadTargets(rows, "training set");
        Assert.Equal(["sun", " "], texts.Targets);
        Assert.Equal(["a", ""], texts.Texts);
        Assert.Equal(["x", ""], texts.SecondTexts);
        Assert.Contains(_log, line => line.Contains("2 of 4 rows of the training set have no label in the column 'Label' and are left out."));
    }

    [Fact]
    public void A_set_with_nothing_to_write_is_refused()
    {
        var reader = Reader(PredictionTask.Generation, TestColumns.Names);
        var none = _context.Data.LoadFromEnumerable([new TargetRow("", "a", null)]);
        Assert.Equal("All 1 labels of the training set in the column 'Label' are missing; at least some rows need a label.",
            Assert.Throws<ArgumentException>(() => reader.ReadTargets(none, "training set")).Message);
        var empty = _context.Data.LoadFromEnumerable(Array.Empty<TargetRow>());
        Assert.Equal("The validation set is empty; it needs rows with the columns 'Label' and 'Text'.",
            Assert.Throws<ArgumentException>(() => reader.ReadTargets(empty, "validation set")).Message);
    }

    private LabeledTexts Read<T>(PredictionTask task, IEnumerable<T> rows, ColumnNames? names = null) where T : class
        => Reader(task, names ?? TestColumns.Names).Read(_context.Data.LoadFromEnumerable(rows), "training set");

    private void Refused<T>(PredictionTask task, IEnumerable<T> rows, string message) where T : class
        => Assert.Equal(message, Assert.Throws<ArgumentException>(() => Read(task, rows)).Message);

    private LabeledTextsReader Reader(PredictionTask task, ColumnNames names) => new(names, task, Channel(), () => { });

    private IChannel Channel() => ((IChannelProvider)((IHostEnvironment)_context).Register("Test")).Start("Test");

    private sealed record Row(float Label, string? Text);

    private sealed record TargetRow(string? Label, string? Text, string? Second);

    private sealed record PairRow(float Label, string? Text, string? Second);

    private sealed record FlagRow(bool Label, string Text);

    private sealed class KeyRow(uint label, string text)
    {
        [KeyType(3)]
        public uint Label { get; set; } = label;

        public string Text { get; set; } = text;
    }

    private sealed class ByteKeyRow(byte label, string text)
    {
        [KeyType(3)]
        public byte Label { get; set; } = label;

        public string Text { get; set; } = text;
    }
}
