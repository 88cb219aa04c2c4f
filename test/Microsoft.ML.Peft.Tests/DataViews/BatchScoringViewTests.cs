using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.DataViews;

public sealed class BatchScoringViewTests
{
    private readonly MLContext _context = new(seed: 1);
    private readonly LengthScorer _scorer = new(outputs: 1);

    [Fact]
    public void Nothing_is_scored_until_a_prediction_is_read()
    {
        var view = View(rows: 10, batchSize: 4);
        using var cursor = view.GetRowCursor(view.Schema);
        var text = cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Text"]);
        var score = cursor.GetGetter<float>(view.Schema["Score"]);

        ReadOnlyMemory<char> value = default;
        Assert.True(cursor.MoveNext());
        text(ref value);
        Assert.Empty(_scorer.Batches);

        float length = 0;
        score(ref length);
        score(ref length);
        Assert.Equal([4], _scorer.Batches);
    }

    [Fact]
    public void Columns_passed_through_alone_are_never_scored_nor_read_ahead()
    {
        var view = View(rows: 10, batchSize: 4);
        Assert.Equal(Enumerable.Range(0, 10), Column<int>(view, "Id"));
        Assert.Empty(_scorer.Batches);
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 4)]
    [InlineData(3, 4)]
    [InlineData(4, 4)]
    [InlineData(5, 4)]
    [InlineData(8, 4)]
    [InlineData(9, 1)]
    public void Every_row_gets_its_own_score_whatever_the_batch_size(int rows, int batchSize)
    {
        var view = View(rows, batchSize);
        Assert.Equal(Enumerable.Range(0, rows).Select(i => (float)i), Column<float>(view, "Score"));
        Assert.Equal(rows, _scorer.Batches.Sum());
        Assert.Equal((rows + batchSize - 1) / batchSize, _scorer.Batches.Count);
    }

    [Fact]
    public void Windows_grow_up_to_a_bound_and_no_row_loses_its_place()
    {
        var view = new BatchScoringView(Rows(50), TestColumns.Regression, _scorer.Score, new ScoringWindow(4, 16));
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (float)i), Column<float>(view, "Score"));
        Assert.Equal([4, 8, 16, 16, 6], _scorer.Batches);
    }

    [Fact]
    public void Who_stops_early_has_had_no_more_than_the_window_read_ahead()
    {
        int read = 0;
        IEnumerable<Row> Source()
        {
            for (int i = 0; i < 5000; i++, read++)
                yield return new Row(i, i, "text");
        }
        var view = new BatchScoringView(_context.Data.LoadFromEnumerable(Source()), TestColumns.Regression, _scorer.Score);
        using (var cursor = view.GetRowCursor([view.Schema["Score"]]))
        {
            Assert.True(cursor.MoveNext());
            float score = 0;
            cursor.GetGetter<float>(view.Schema["Score"])(ref score);
        }
        Assert.InRange(read, 1, ScoringWindow.Scoring.First);
    }

    [Fact]
    public void A_score_alone_can_be_asked_for()
    {
        var view = View(rows: 5, batchSize: 2);
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);
        Assert.True(cursor.IsColumnActive(view.Schema["Score"]));
        Assert.False(cursor.IsColumnActive(view.Schema["Text"]));
        var error = Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<ReadOnlyMemory<char>>(view.Schema["Text"]));
        Assert.Contains("'Text' was not asked for", error.Message);
    }

    [Fact]
    public void Batches_that_are_not_read_are_not_scored()
    {
        var view = View(rows: 12, batchSize: 4);
        using var cursor = view.GetRowCursor(view.Schema);
        var score = cursor.GetGetter<float>(view.Schema["Score"]);
        float value = 0;
        while (cursor.MoveNext())
        {
            if (cursor.Position == 9)
                score(ref value);
        }
        Assert.Equal(9, value);
        Assert.Equal([4], _scorer.Batches);
    }

    [Fact]
    public void Positions_and_row_ids_are_those_of_the_input()
    {
        var view = View(rows: 7, batchSize: 3);
        var source = Rows(7);
        using var expected = source.GetRowCursor(source.Schema);
        using var actual = view.GetRowCursor(view.Schema);
        var expectedId = expected.GetIdGetter();
        var actualId = actual.GetIdGetter();
        DataViewRowId left = default, right = default;
        while (expected.MoveNext())
        {
            Assert.True(actual.MoveNext());
            expectedId(ref left);
            actualId(ref right);
            Assert.Equal(left, right);
            Assert.Equal(expected.Position, actual.Position);
        }
        Assert.False(actual.MoveNext());
        Assert.False(actual.MoveNext());
        Assert.Equal(-1, actual.Position);
    }

    [Fact]
    public void A_shuffled_cursor_keeps_every_row_with_its_own_score()
    {
        Assert.False(View(rows: 50, batchSize: 8).CanShuffle);
        var view = new BatchScoringView(_context.Data.Cache(Rows(50)), TestColumns.Regression, _scorer.Score, new ScoringWindow(8, 8));
        Assert.True(view.CanShuffle);
        using var cursor = view.GetRowCursor(view.Schema, new Random(3));
        var id = cursor.GetGetter<int>(view.Schema["Id"]);
        var score = cursor.GetGetter<float>(view.Schema["Score"]);
        var seen = new List<int>();
        int row = 0;
        float length = 0;
        while (cursor.MoveNext())
        {
            id(ref row);
            score(ref length);
            Assert.Equal(row, length);
            seen.Add(row);
        }
        Assert.NotEqual(Enumerable.Range(0, 50), seen);
        Assert.Equal(Enumerable.Range(0, 50), seen.Order());
    }

    [Fact]
    public void The_row_count_of_the_input_is_passed_on()
    {
        Assert.Equal(5, View(rows: 5, batchSize: 2).GetRowCount());
        Assert.Null(new BatchScoringView(_context.Data.FilterRowsByColumn(Rows(5), "Number", 0, 2), TestColumns.Regression, _scorer.Score).GetRowCount());
    }

    [Fact]
    public void A_cursor_set_has_one_cursor_with_all_rows()
    {
        var view = View(rows: 5, batchSize: 2);
        var cursor = Assert.Single(view.GetRowCursorSet(view.Schema, 4));
        int count = 0;
        using (cursor)
        {
            while (cursor.MoveNext())
                count++;
        }
        Assert.Equal(5, count);
    }

    [Fact]
    public void A_value_cannot_be_read_before_the_first_row_nor_after_the_last()
    {
        var view = View(rows: 2, batchSize: 4);
        using var cursor = view.GetRowCursor(view.Schema);
        var score = cursor.GetGetter<float>(view.Schema["Score"]);
        var id = cursor.GetGetter<int>(view.Schema["Id"]);
        var rowId = cursor.GetIdGetter();
        AssertRefused();
        while (cursor.MoveNext())
        {
        }
        AssertRefused();

        void AssertRefused()
        {
            float length = 0;
            int row = 0;
            DataViewRowId key = default;
            Assert.Contains("at no row", Assert.Throws<InvalidOperationException>(() => score(ref length)).Message);
            Assert.Throws<InvalidOperationException>(() => id(ref row));
            Assert.Throws<InvalidOperationException>(() => rowId(ref key));
        }
    }

    [Fact]
    public void A_disposed_cursor_has_no_rows_and_disposes_its_input()
    {
        var source = new TrackedView(Rows(5));
        var view = new BatchScoringView(source, TestColumns.Regression, _scorer.Score, new ScoringWindow(2, 2));
        foreach (var columns in new[] { view.Schema.ToArray(), [view.Schema["Id"]] })
        {
            var cursor = view.GetRowCursor(columns);
            Assert.True(cursor.MoveNext());
            Assert.Equal(1, source.OpenCursors);
            cursor.Dispose();
            cursor.Dispose();
            Assert.Equal(0, source.OpenCursors);
        }
    }

    [Fact]
    public void Asking_for_the_wrong_type_names_the_column_and_its_type()
    {
        var view = View(rows: 2, batchSize: 4);
        using var cursor = view.GetRowCursor(view.Schema);
        Assert.Contains("'Score' is Single", Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<double>(view.Schema["Score"])).Message);
        Assert.Contains("'Id' is Int32", Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(view.Schema["Id"])).Message);
    }

    [Fact]
    public void Every_primitive_type_and_vectors_of_them_pass_through_unchanged()
    {
        var source = _context.Data.LoadFromEnumerable(Enumerable.Range(0, 7).Select(Wide.Row));
        var view = new BatchScoringView(source, TestColumns.Regression, _scorer.Score, new ScoringWindow(3, 3));
        var expected = _context.Data.CreateEnumerable<Wide>(source, reuseRowObject: false).Select(r => r.ToString());
        var actual = _context.Data.CreateEnumerable<Wide>(view, reuseRowObject: false).Select(r => r.ToString());
        Assert.Equal(expected, actual);
        Assert.Equal(7, Column<float>(view, "Score").Count);
    }

    [Fact]
    public void Values_that_cannot_be_buffered_pass_through_row_by_row()
    {
        var source = Rows(5).Append("Opaque");
        var view = new BatchScoringView(source, TestColumns.Regression, _scorer.Score, new ScoringWindow(4, 4));
        using var cursor = view.GetRowCursor(view.Schema);
        var opaque = cursor.GetGetter<OpaqueValue>(view.Schema["Opaque"]);
        var score = cursor.GetGetter<float>(view.Schema["Score"]);
        var value = new OpaqueValue();
        float length = 0;
        Assert.Throws<InvalidOperationException>(() => score(ref length));
        while (cursor.MoveNext())
        {
            opaque(ref value);
            score(ref length);
            Assert.Equal(cursor.Position, value.Number);
            Assert.Equal(cursor.Position, length);
        }
        Assert.Throws<InvalidOperationException>(() => score(ref length));
        Assert.Equal([1, 1, 1, 1, 1], _scorer.Batches);
    }

    [Fact]
    public void A_second_text_column_is_scored_too()
    {
        var shape = new PredictionShape(TestColumns.PairNames, PredictionTask.Binary, 2, null);
        var scorer = new LengthScorer(outputs: 2);
        var source = _context.Data.LoadFromEnumerable([new Pair("abc", "z"), new Pair("", "abcde"), new Pair(null, null)]);
        var view = new BatchScoringView(source, shape, scorer.Score);
        Assert.Equal([-2f, 5f, 0f], Column<float>(view, "Score"));
        Assert.Equal([false, true, false], Column<bool>(view, "PredictedLabel"));
    }

    [Fact]
    public void A_text_column_that_is_missing_is_named_with_the_columns_there_are()
    {
        var shape = TestColumns.Regression with { Names = TestColumns.Names with { Text = "Body" } };
        var error = Assert.Throws<ArgumentException>(() => new BatchScoringView(Rows(1), shape, _scorer.Score));
        Assert.StartsWith("The text column 'Body' is missing; the columns are 'Id', 'Number', 'Text'.", error.Message);
    }

    [Fact]
    public void A_text_column_of_another_type_is_refused()
    {
        var shape = TestColumns.Regression with { Names = TestColumns.Names with { Text = "Id" } };
        var error = Assert.Throws<ArgumentException>(() => new BatchScoringView(Rows(1), shape, _scorer.Score));
        Assert.StartsWith("The text column 'Id' is Int32; it must be a single Text per row.", error.Message);
    }

    private IDataView Rows(int count)
        => _context.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Row(i, i, new string('x', i))).ToList());

    private BatchScoringView View(int rows, int batchSize) => new(Rows(rows), TestColumns.Regression, _scorer.Score, new ScoringWindow(batchSize, batchSize));

    private static List<T> Column<T>(IDataView view, string name) => [.. view.GetColumn<T>(name)];

    private sealed record Row(int Id, float Number, string Text);

    private sealed record Pair(string? Text, string? Second);
}
