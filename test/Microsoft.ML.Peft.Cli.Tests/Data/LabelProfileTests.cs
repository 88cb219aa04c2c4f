using Microsoft.ML.Peft.Cli.Data;

namespace Microsoft.ML.Peft.Cli.Tests.Data;

public sealed class LabelProfileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Theory]
    [InlineData(new[] { "a", "b", "c" }, PredictionTask.Multiclass)]
    [InlineData(new[] { "yes", "no" }, PredictionTask.Binary)]
    [InlineData(new[] { "TRUE", "False" }, PredictionTask.Binary)]
    [InlineData(new[] { "0", "1" }, PredictionTask.Binary)]
    [InlineData(new[] { "1", "2" }, PredictionTask.Multiclass)]
    [InlineData(new[] { "good", "bad" }, PredictionTask.Multiclass)]
    public void Labels_decide_the_task(string[] labels, PredictionTask expected) => Assert.Equal(expected, Of(labels).Task(null));

    [Fact]
    public void The_task_that_is_asked_for_is_taken_if_the_labels_allow_it()
    {
        Assert.Equal(PredictionTask.Multiclass, Of("yes", "no").Task(PredictionTask.Multiclass));
        Assert.Equal(PredictionTask.Regression, Of("1.5", "2,5", "-3e2").Task(PredictionTask.Regression));
        Assert.Equal(PredictionTask.Generation, Of("a").Task(PredictionTask.Generation));
        Assert.Contains("row 2: the label 'two' is no number", Error(PredictionTask.Regression, "1", "two"));
        Assert.Contains("do not say true and false", Error(PredictionTask.Binary, "good", "bad"));
    }

    [Fact]
    public void Nothing_is_learnt_from_one_class_few_rows_or_none()
    {
        Assert.Contains("All 24 labels in the column 'label' of", Error(null, "same"));
        Assert.Contains("has 3 rows with a label; training needs at least 10", Assert.Throws<InvalidDataException>(() => Read(["a", "b", "a"]).Task(null)).Message);
        Assert.Contains("is empty in all 2 rows", Assert.Throws<InvalidDataException>(() => Read(["", " "]).Task(null)).Message);
    }

    [Fact]
    public void All_different_labels_are_no_classes_and_the_message_says_what_they_may_be()
    {
        Assert.Contains("--task regression", Error(null, [.. Enumerable.Range(0, 24).Select(i => $"{i}.5")]));
        Assert.Contains("--task generation", Error(null, [.. Enumerable.Range(0, 24).Select(i => $"A sentence to write, with the number {i}.")]));
        Assert.Contains("too many to learn as classes", Error(PredictionTask.Multiclass, [.. Enumerable.Range(0, 24).Select(i => $"id{i}")]));
    }

    [Fact]
    public void Rows_without_a_label_are_counted_apart()
    {
        var profile = Read([.. Enumerable.Repeat("a", 12), "", .. Enumerable.Repeat("b", 12)]);
        Assert.Equal((24, 1), (profile.Rows, profile.Missing));
        Assert.Equal(12, profile.Counts["b"]);
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>24 rows that repeat some labels.</summary>
    private LabelProfile Of(params string[] labels) => Read([.. Enumerable.Range(0, 24).Select(i => labels[i % labels.Length])]);

    private LabelProfile Read(string[] labels)
    {
        string path = _directory.Write("a.csv", "text,label\n" + string.Concat(labels.Select((label, i) => $"t{i},\"{label}\"\n")));
        return LabelProfile.Read(TableFile.Open(path, new TableOptions(HasHeader: true)), "label", default);
    }

    private string Error(PredictionTask? task, params string[] labels) => Assert.Throws<InvalidDataException>(() => Of(labels).Task(task)).Message;
}
