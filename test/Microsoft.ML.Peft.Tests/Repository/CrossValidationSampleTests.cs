using System.Xml.Linq;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The program samples/CrossValidation, run as a user runs it, on a few rows.</summary>
public sealed class CrossValidationSampleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_trains_each_part_and_draws_what_all_rows_were_taken_for()
    {
        string rows = _directory.Write("rows.tsv", "Text\tLabel\n" + string.Concat(Enumerable.Range(0, 30).Select(i => i % 2 == 0 ? $"the parcel {i} is late\tShipping\n" : $"refund invoice {i} please\tRefunds\n")));
        string charts = _directory.File("charts");
        var run = SampleProgram.Run("CrossValidation", "--data", rows, "--folds", "2", "--epochs", "1", "--virtual-tokens", "2", "--output", charts);

        Assert.True(run.ExitCode == 0, run.Error);
        SampleProgram.AssertInOrder(run.Output, "Training on 1 of 2 parts, 2 times", "Epoch 1/1", "Epoch 1/1", "Every part", "│ 1 ", "│ 2 ", "mean", "expected calibration error", "confusion.svg", "calibration.svg");
        // Every row is counted once.
        var numbers = Texts(Path.Combine(charts, "confusion.svg")).Where(text => int.TryParse(text, out _)).Select(int.Parse);
        Assert.Equal(30, numbers.Sum());
        Assert.Contains(Texts(Path.Combine(charts, "confusion.svg")), text => text == "Shipping");
        Assert.Contains(Texts(Path.Combine(charts, "calibration.svg")), text => text.StartsWith("Expected calibration error", StringComparison.Ordinal));
    }

    [Fact]
    public void A_wrong_number_of_parts_is_told_in_a_sentence()
    {
        var run = SampleProgram.Run("CrossValidation", "--folds", "1");
        Assert.Equal((1, "--folds is 1; it must be at least 2."), (run.ExitCode, run.Error.Trim()));
    }

    private static IEnumerable<string> Texts(string svg) => XDocument.Load(svg).Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value.Trim());
}
