using Microsoft.ML.Peft.Benchmarks;
using Microsoft.ML.Peft.Benchmarks.AutoMl;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

public sealed class ClassRowsTests
{
    private static IReadOnlyList<DataFile.Row> All { get; } = [.. Enumerable.Range(0, 30).Select(i => new DataFile.Row { Text = $"text {i}", Label = $"class {i % 3}" })];

    [Fact]
    public void Each_class_gives_as_many_rows_to_each_part_and_none_to_both()
    {
        var rows = ClassRows.Draw(All, train: 4, validation: 2);
        Assert.All(rows.Train.GroupBy(row => row.Label), members => Assert.Equal(4, members.Count()));
        Assert.All(rows.Validation!.GroupBy(row => row.Label), members => Assert.Equal(2, members.Count()));
        Assert.Equal(18, rows.All.Select(row => row.Text).Distinct().Count());
        Assert.Equal(rows.All.Select(row => row.Text), ClassRows.Draw(All, 4, 2).All.Select(row => row.Text));
    }

    [Fact]
    public void Without_numbers_all_rows_are_there()
    {
        Assert.Equal(30, ClassRows.Draw(All, null, null).All.Count);
        Assert.Equal((24, 6), (ClassRows.Draw(All, null, 2).Train.Count, ClassRows.Draw(All, null, 2).Validation!.Count));
        Assert.Null(ClassRows.Draw(All, 2, null).Validation);
    }

    [Fact]
    public void More_rows_than_a_class_has_are_refused()
        => Assert.Contains("10 rows, fewer than the 12", Assert.Throws<ArgumentException>(() => ClassRows.Draw(All, 10, 2)).Message, StringComparison.Ordinal);
}
