using Microsoft.ML.Peft.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class RelativeBiasTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Near_distances_have_a_bucket_each_and_farther_ones_share_growing_ranges()
    {
        // 16 buckets a side: 0 to 7 alone, then from 8·2^(k/2) on, up to 128.
        int[] expected = [.. Enumerable.Range(0, 8), 8, 8, 8, 8, 9, 9, 9, 9, .. Enumerable.Repeat(10, 7), .. Enumerable.Repeat(11, 9), 12];
        Assert.Equal(expected, Buckets(32, 128, causal: false, queries: 33, keys: 33)[32].Reverse());
        Assert.Equal([15, 15], Buckets(32, 128, causal: false, queries: 200, keys: 200)[199][..2]);
    }

    [Fact]
    public void An_encoder_tells_keys_before_the_query_from_keys_behind_it() =>
        Assert.Equal([2, 2, 1, 0, 5, 6, 6], Buckets(8, 20, causal: false, queries: 7, keys: 7)[3]);

    [Fact]
    public void A_decoder_uses_all_buckets_for_the_past_and_sees_no_future()
    {
        int never = int.MinValue;
        int[][] buckets = Buckets(8, 20, causal: true, queries: 3, keys: 3);
        Assert.Equal([[0, never, never], [1, 0, never], [2, 1, 0]], buckets);
        Assert.Equal([7, 7, 6], Buckets(8, 20, causal: true, queries: 19, keys: 19)[18][3..6]);
    }

    [Fact]
    public void Queries_are_the_last_of_the_keys()
    {
        int[][] all = Buckets(8, 20, causal: true, queries: 12, keys: 12);
        Assert.Equal(all[9..], Buckets(8, 20, causal: true, queries: 3, keys: 12));
        Assert.Equal([all[11]], Buckets(8, 20, causal: true, queries: 1, keys: 12));
    }

    [Fact]
    public void Each_head_has_biases_of_its_own()
    {
        using var generator = new Generator(3);
        var weight = randn(8, 3, generator: generator);
        using var bias = new RelativeBias(weight, 20, causal: true);
        var values = bias.At(2, 2);
        Assert.Equal([3, 2, 2], values.shape);
        for (int head = 0; head < 3; head++)
        {
            Assert.Equal(weight[0, head].item<float>(), values[head, 1, 1].item<float>());
            Assert.Equal(weight[1, head].item<float>(), values[head, 1, 0].item<float>());
        }
    }

    public void Dispose() => _scope.Dispose();

    /// <summary>The bucket of each query and key, read off biases that are the buckets' own numbers; the least number stands for −∞.</summary>
    private static int[][] Buckets(int count, int maxDistance, bool causal, int queries, int keys)
    {
        using var bias = new RelativeBias(arange(count, ScalarType.Float32).unsqueeze(1), maxDistance, causal);
        float[] values = [.. bias.At(queries, keys)[0].contiguous().data<float>()];
        return [.. values.Select(value => float.IsNegativeInfinity(value) ? int.MinValue : (int)value).Chunk(keys)];
    }
}
