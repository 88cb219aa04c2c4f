using Microsoft.ML.Peft.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Rows that come and go at every step, against plain lists of numbers.</summary>
public sealed class KeyValueCacheTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_row_keeps_its_own_keys_and_values_whoever_joins_and_leaves(int seed)
    {
        var random = new Random(seed);
        using var cache = new KeyValueCache(Shape, ScalarType.Float32, CPU);
        List<List<float>> expected = [];
        float next = 1;
        for (int step = 0; step < 200; step++)
        {
            int action = random.Next(4);
            if (action == 0 && expected.Count < 6)
            {
                int[] lengths = [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => random.Next(1, 12))];
                Join(cache, expected, lengths, ref next);
            }
            else if (action == 1 && expected.Count > 0)
            {
                int[] kept = [.. Enumerable.Range(0, random.Next(0, expected.Count + 1)).Select(_ => random.Next(expected.Count))];
                cache.Keep(kept);
                expected = [.. kept.Select(row => expected[row].ToList())];
            }
            else if (expected.Count > 0)
            {
                Append(cache, expected, ref next);
            }
            Check(cache, expected);
        }
    }

    [Fact]
    public void Who_joins_within_the_room_and_who_leaves_moves_no_other_row()
    {
        using var cache = new KeyValueCache(Shape, ScalarType.Float32, CPU);
        float next = 1;
        List<List<float>> expected = [];
        Join(cache, expected, [3, 5, 2], ref next);
        // A view of the cache's memory: rows that were copied elsewhere would not show what is written into it.
        var first = cache.Of(0).Keys.narrow(0, 0, 2);
        cache.Keep([0, 1]);
        Append(cache, [expected[0], expected[1]], ref next);
        Join(cache, [], [4], ref next);
        first.fill_(-5);
        Assert.All(cache.Of(0).Keys.narrow(0, 0, 2).narrow(2, 0, 5).contiguous().data<float>().ToArray(), value => Assert.Equal(-5, value));
    }

    [Fact]
    public void A_shorter_row_does_not_see_what_stands_before_it()
    {
        using var cache = new KeyValueCache(Shape, ScalarType.Float32, CPU);
        float next = 1;
        Join(cache, [], [2, 2], ref next);
        Assert.Null(cache.Bias(window: null, next: true));
        Join(cache, [], [1], ref next);
        Assert.Equal([0, 0, 0, 0, 0, 0, float.NegativeInfinity, 0, 0], cache.Bias(window: null, next: true)!.data<float>().ToArray());
        Assert.Equal([2, 2, 1], cache.Positions);
    }

    private static ModelConfiguration Shape => new EncoderDecoderConfiguration
    {
        ModelType = "t5",
        VocabularySize = 5,
        HiddenSize = 4,
        EmbeddingSize = 4,
        IntermediateSize = 4,
        Layers = 2,
        Heads = 2,
        MaxPositions = 99,
        EncoderLayers = 1,
        RelativeBuckets = 4,
        RelativeMaxDistance = 8,
        Activation = Activation.Relu,
        GatedMlp = false,
        NormEpsilon = 1e-6,
        ScaleOutputs = false,
        StartId = 0,
        PaddingId = 0,
    };

    private static void Join(KeyValueCache cache, List<List<float>> expected, int[] lengths, ref float next)
    {
        var layout = RowLayout.Of(lengths);
        float[] numbers = new float[layout.Positions];
        foreach (int row in Enumerable.Range(0, lengths.Length))
        {
            expected.Add([]);
            for (int i = 0; i < lengths[row]; i++)
                expected[^1].Add(numbers[layout.Start(row) + i] = next++);
        }
        cache.Join(layout, _ => 0, room: 3);
        for (int layer = 0; layer < 2; layer++)
            cache.Fill(layer, layout, Positions(numbers, layer), -Positions(numbers, layer), default);
    }

    private static void Append(KeyValueCache cache, List<List<float>> expected, ref float next)
    {
        float[] numbers = new float[expected.Count];
        for (int row = 0; row < numbers.Length; row++)
            expected[row].Add(numbers[row] = next++);
        cache.MakeRoom();
        for (int layer = 0; layer < 2; layer++)
            cache.Append(layer, Positions(numbers, layer), -Positions(numbers, layer));
        cache.Advance();
    }

    /// <summary>Each number as a position `[N, KV, d]`, different in each layer.</summary>
    private static Tensor Positions(float[] numbers, int layer) => (tensor(numbers) + 1000 * layer).view(-1, 1, 1).expand(-1, 2, 2);

    private static void Check(KeyValueCache cache, List<List<float>> expected)
    {
        Assert.Equal(expected.Select(row => (long)row.Count), cache.Positions);
        if (expected.Count == 0)
            return;
        for (int layer = 0; layer < 2; layer++)
        {
            var (keys, values) = cache.Of(layer);
            for (int row = 0; row < expected.Count; row++)
            {
                int count = expected[row].Count;
                float[] own = keys[row, 1].narrow(0, keys.size(2) - count, count).select(1, 0).contiguous().data<float>().ToArray();
                Assert.Equal(expected[row].Select(number => number + 1000 * layer), own);
                Assert.Equal(own.Select(number => -number), values[row, 0].narrow(0, keys.size(2) - count, count).select(1, 1).contiguous().data<float>().ToArray());
            }
        }
    }
}
