using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

public sealed class BleuTests
{
    [Fact]
    public void Equal_texts_score_one() =>
        Assert.Equal(1, Score(("the cat sat on the mat", ["the cat sat on the mat"])), 10);

    [Fact]
    public void The_geometric_mean_of_four_precisions_counts()
    {
        // Words 5/6; pairs "the cat", "cat sat", "the mat": 3/5; triples "the cat sat": 1/4; fours: none of 3, smoothed to 1/2.
        Assert.Equal(Math.Pow(5 / 6d * (3 / 5d) * (1 / 4d) * (0.5 / 3), 0.25), Score(("the cat sat near the mat", ["the cat sat on the mat"])), 10);
    }

    [Fact]
    public void A_text_gets_no_word_more_often_than_one_reference_has_it()
    {
        // The example of Papineni et al. (2002): 2 of 7 words. Higher orders have no match: 1/2, 1/4 and 1/8 of one.
        string[] references = ["the cat is on the mat", "there is a cat on the mat"];
        Assert.Equal(Math.Pow(2 / 7d * (0.5 / 6) * (0.25 / 5) * (0.125 / 4), 0.25), Score(("the the the the the the the", references)), 10);
    }

    [Fact]
    public void Short_texts_are_punished_by_the_closest_reference_length()
    {
        // All n-grams match; 4 words against 6: exp(1 − 6/4). The reference of 9 words is farther away.
        Assert.Equal(Math.Exp(1 - 6 / 4d), Score(("the cat sat on", ["the cat sat on the mat", "a cat that sat there was on the mat"])), 10);
        // Of 3 and 5 words, equally close to 4, the shorter counts: no punishment.
        Assert.Equal(1, Score(("a b c d", ["a b c", "a b c d e"])), 10);
    }

    [Fact]
    public void Counts_are_summed_over_the_corpus()
    {
        // Words 8/10, pairs 6/8, triples 4/6, fours 2/4; lengths equal.
        double score = Score(("a b c d e", ["a b c d e"]), ("a b c x x", ["a b c y z"]));
        Assert.Equal(Math.Pow(8 / 10d * (6 / 8d) * (4 / 6d) * (2 / 4d), 0.25), score, 10);
    }

    [Fact]
    public void Texts_are_split_around_punctuation_but_not_within_numbers_and_words()
    {
        Assert.Equal(1, Score(("Pay 3,000.50 now , please : it's well-known .", ["Pay 3,000.50 now, please: it's well-known."])), 10);
        Assert.Equal(1, Score(("in 1990 - 95 ( or so )", ["in 1990-95 (or so)"])), 10);
    }

    [Fact]
    public void Case_counts() => Assert.True(Score(("The Cat Sat Down", ["the cat sat down"])) < 0.5);

    [Fact]
    public void Without_any_match_or_any_four_words_the_score_is_zero()
    {
        Assert.Equal(0, Score(("x x x x", ["a b c d"])));
        Assert.Equal(0, Score(("a b c", ["a b c"])));
        Assert.Equal(0, Score(("", ["a b c d"])));
    }

    private static double Score(params (string Text, string[] References)[] rows)
    {
        var bleu = new Bleu();
        foreach (var (text, references) in rows)
            bleu.Add(text, references);
        return bleu.Score;
    }
}
