using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The program samples/ManyTasks, run as a user runs it, with little training.</summary>
public sealed class ManyTasksSampleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_trains_what_is_missing_mixes_adapters_and_changes_them_while_others_predict()
    {
        string adapters = _directory.File("adapters");
        string[] quick = ["--adapters", adapters, "--epochs", "1", "--virtual-tokens", "2", "--copies", "6", "--seconds", "1", "--text", "The parcel is lost!"];
        var first = SampleProgram.Run("ManyTasks", quick);
        Assert.True(first.ExitCode == 0, first.Error);
        SampleProgram.AssertInOrder(first.Output,
            "Training the adapter 'Queue'", "Epoch 1/1", "Training the adapter 'Urgency'", "Training the adapter 'Mood'",
            "1 messages, 3 tasks: one batch of 3 rows", "The parcel is lost!", "Memory", "the frozen model", "3 adapters", "9 adapters, all in one batch",
            "come and go", "'Mood' was removed, added again and used ", "; 0 of their rows got another class");
        Assert.DoesNotContain(" 0 times", first.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" 0 batches", first.Output, StringComparison.Ordinal);

        Directory.Delete(Path.Combine(adapters, "urgency"), recursive: true);
        var second = SampleProgram.Run("ManyTasks", quick);
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Contains("Training the adapter 'Urgency'", second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Training the adapter 'Queue'", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_message_of_the_data_has_a_class_in_every_task()
    {
        string[] lines = File.ReadAllLines(Path.GetFullPath(Path.Combine(Fixtures.Default, "../../../samples/ManyTasks/data/messages.tsv")));
        var rows = lines.Skip(1).Select(line => line.Split('\t')).ToList();
        Assert.Equal("Text\tQueue\tUrgency\tMood", lines[0]);
        Assert.All(rows, row => Assert.Equal(4, row.Length));
        Assert.Equal(rows.Count, rows.DistinctBy(row => row[0]).Count());
        // Three classes in each task, in every combination equally often.
        Assert.Equal(27, rows.GroupBy(row => string.Join('|', row[1..])).Count());
        Assert.Single(rows.CountBy(row => string.Join('|', row[1..])).Select(combination => combination.Value).Distinct());
    }
}
