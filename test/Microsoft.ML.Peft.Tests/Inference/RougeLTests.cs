using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

public sealed class RougeLTests
{
    /// <summary>The example of Lin (2004): subsequences of 3 and of 2 of the 4 words.</summary>
    [Theory]
    [InlineData("police kill the gunman", 0.75)]
    [InlineData("the gunman kill police", 0.5)]
    [InlineData("police killed the gunman", 1)]
    public void The_F1_of_the_longest_common_subsequence_counts(string text, double expected) =>
        Assert.Equal(expected, RougeL.F1(text, ["police killed the gunman"]), 10);

    [Fact]
    public void Both_lengths_count()
    {
        // Common: the cat sat (3); 2 · 3 / (3 + 6) = 2/3.
        Assert.Equal(2 / 3d, RougeL.F1("the cat sat", ["the cat sat on the mat"]), 10);
        Assert.Equal(2 / 3d, RougeL.F1("the cat sat on the mat", ["the cat sat"]), 10);
    }

    [Fact]
    public void Of_several_references_the_best_counts() =>
        Assert.Equal(1, RougeL.F1("a b", ["c d", "a b", "a c"]), 10);

    [Fact]
    public void Case_and_punctuation_do_not_count_and_words_of_all_scripts_do()
    {
        Assert.Equal(1, RougeL.F1("It's a family-friendly pub!", ["it s A FAMILY friendly PUB"]), 10);
        Assert.Equal(1, RougeL.F1("Über 3 Küchen", ["über, 3 küchen."]), 10);
    }

    [Fact]
    public void Nothing_in_common_is_zero()
    {
        Assert.Equal(0, RougeL.F1("", ["a"]));
        Assert.Equal(0, RougeL.F1("a", [""]));
        Assert.Equal(0, RougeL.F1("!", ["?"]));
        Assert.Equal(0, RougeL.F1("a", []));
    }
}
