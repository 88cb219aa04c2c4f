using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The program samples/QuickStart, run as a user runs it, on a few rows of his own.</summary>
public sealed class QuickStartSampleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_trains_evaluates_saves_loads_and_predicts()
    {
        string rows = _directory.Write("reviews.csv", "review,stars\n" + string.Concat(Enumerable.Range(0, 40).Select(i => i % 2 == 0 ? $"\"lovely, {i} times\",five\n" : $"never again in {i} years,one\n")));
        string saved = _directory.File("reviews.zip");
        var run = SampleProgram.Run("QuickStart", "--train", rows, "--text-col", "review", "--label-col", "stars", "--epochs", "2", "--method", "prompt", "--virtual-tokens", "3", "--output", saved, "--text", "lovely");

        Assert.True(run.ExitCode == 0, run.Error);
        SampleProgram.AssertInOrder(run.Output, "Training (prompt, 3 virtual tokens)", "Epoch 2/2", "Evaluation on the test rows", "Accuracy", "of 8 rows", "linear probe", "Saved and loaded again", saved, "> lovely", "→");
        Assert.True(File.Exists(saved));
    }

    [Fact]
    public void A_missing_column_is_told_with_those_that_there_are()
    {
        string rows = _directory.Write("reviews.csv", "review,stars\nfine,five\n");
        var run = SampleProgram.Run("QuickStart", "--train", rows);
        Assert.Equal((1, $"Error: '{rows}' has no column 'Text'; its header names 'review', 'stars'. Choose with --text-col and --label-col."), (run.ExitCode, run.Error.Trim()));
    }
}
