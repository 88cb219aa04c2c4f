using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

public sealed class TokenSamplerTests
{
    private const int End = 4;

    /// <summary>Probabilities 0.5, 0.25, 0.15, 0.07 and 0.03 of the tokens 0 to 4.</summary>
    private static readonly float[] Logits = [.. new[] { 0.5, 0.25, 0.15, 0.07, 0.03 }.Select(p => (float)Math.Log(p))];

    [Fact]
    public void Without_temperature_the_likeliest_token_is_taken() => Assert.Equal([0], Drawn(new GenerationOptions()));

    [Fact]
    public void At_temperature_1_tokens_come_as_often_as_likely()
    {
        var counts = Counts(new GenerationOptions { Temperature = 1 }, draws: 20_000);
        Assert.Equal([0.5, 0.25, 0.15, 0.07, 0.03], counts.Select(count => count / 20_000.0), (a, b) => Math.Abs(a - b) < 0.015);
    }

    [Fact]
    public void A_low_temperature_is_bolder() =>
        Assert.True(Counts(new GenerationOptions { Temperature = 0.5 }, 5000)[0] > Counts(new GenerationOptions { Temperature = 1 }, 5000)[0] + 500);

    [Fact]
    public void At_a_temperature_near_0_only_the_likeliest_is_left() => Assert.Equal([0], Drawn(new GenerationOptions { Temperature = 0.001 }));

    [Fact]
    public void Top_k_leaves_the_k_likeliest() => Assert.Equal([0, 1], Drawn(new GenerationOptions { Temperature = 1, TopK = 2 }));

    [Fact]
    public void Top_p_leaves_the_fewest_that_reach_p() => Assert.Equal([0, 1, 2], Drawn(new GenerationOptions { Temperature = 1, TopP = 0.8 }));

    [Fact]
    public void Min_p_leaves_those_that_are_likely_beside_the_likeliest() => Assert.Equal([0, 1, 2], Drawn(new GenerationOptions { Temperature = 1, MinP = 0.2 }));

    [Fact]
    public void The_strictest_limit_counts() => Assert.Equal([0], Drawn(new GenerationOptions { Temperature = 1, TopK = 4, TopP = 0.4, MinP = 0.1 }));

    [Fact]
    public void A_repetition_penalty_turns_to_other_tokens()
    {
        var sampler = new TokenSampler(new GenerationOptions { RepetitionPenalty = 3 }, new HashSet<int>(), [0], seed: 1);
        Assert.Equal(1, sampler.Next([-0.7f, -1.4f, -1.9f, -2.7f, -3.5f]));
        Assert.Equal(2, sampler.Next([-0.7f, -1.4f, -1.9f, -2.7f, -3.5f]));
    }

    [Fact]
    public void The_end_token_waits_for_the_fewest_tokens()
    {
        var sampler = new TokenSampler(new GenerationOptions { MinNewTokens = 2 }, new HashSet<int> { End }, [], seed: 1);
        int[] tokens = [.. Enumerable.Range(0, 3).Select(_ => sampler.Next([1, 0, 0, 0, 9]))];
        Assert.Equal([0, 0, End], tokens);
    }

    [Fact]
    public void The_same_seed_draws_the_same_tokens()
    {
        int[] Draws(int seed)
        {
            var sampler = new TokenSampler(new GenerationOptions { Temperature = 1 }, new HashSet<int>(), [], seed);
            return [.. Enumerable.Range(0, 50).Select(_ => sampler.Next((float[])Logits.Clone()))];
        }
        Assert.Equal(Draws(3), Draws(3));
        Assert.NotEqual(Draws(3), Draws(4));
    }

    private static int[] Drawn(GenerationOptions options) => [.. Counts(options, 2000).Select((count, token) => (count, token)).Where(pair => pair.count > 0).Select(pair => pair.token)];

    private static int[] Counts(GenerationOptions options, int draws)
    {
        var sampler = new TokenSampler(options, new HashSet<int>(), [], seed: 1);
        var counts = new int[Logits.Length];
        for (int i = 0; i < draws; i++)
            counts[sampler.Next((float[])Logits.Clone())]++;
        return counts;
    }
}
