using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class EncoderDecoderTests : IDisposable
{
    private const int Start = 0;
    private static readonly int[][] Sources = [[5, 9, 20, 7, 33, 12, 41], [8], [17, 29, 3, 50], [11, 2, 6, 30], [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33]];
    private static readonly int[][] Targets = [[Start, 14, 15], [Start], [Start, 9, 8], [Start, 77, 70], [Start, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]];

    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>Encoder and decoder layers, heads, head size, hidden size; a gated feed-forward, an output layer of its own, scaled outputs.</summary>
    public static TheoryData<int, int, int, int, int, bool, bool, bool> Shapes => new()
    {
        { 3, 3, 2, 4, 8, false, false, true },
        { 1, 3, 1, 5, 7, true, true, false },
        { 3, 2, 3, 3, 16, true, false, false },
        { 2, 1, 5, 2, 6, false, true, true },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rows_of_any_lengths_together_compute_what_each_computes_alone_in_the_plainest_way(
        int encoderLayers, int decoderLayers, int heads, int headSize, int hidden, bool gated, bool ownHead, bool scaled)
    {
        using var tiny = new TinyT5(encoderLayers, decoderLayers, heads, headSize, hidden, gated, ownHead, scaled);
        using var model = tiny.Load();
        using var frozen = no_grad();
        using var generator = new Generator(5);
        var virtualTokens = randn(3, hidden, generator: generator);
        var keysValues = randn(2 * decoderLayers, heads, 4, headSize, generator: generator);
        (Prompt? Prompt, Tensor? VirtualTokens, Func<int, (Tensor, Tensor)>? Prefix)[] prompts =
        [
            (null, null, null),
            (Prompt.FromEmbeddings(virtualTokens), virtualTokens, null),
            (Prompt.FromKeysValues(4, keysValues.unbind(0)), null, layer => (keysValues[2 * layer], keysValues[2 * layer + 1])),
        ];
        foreach (var (prompt, embeddings, prefix) in prompts)
        {
            var batch = Batch(Sources, Targets);
            var logits = Logits(model, batch, prompt);
            for (int row = 0; row < Sources.Length; row++)
            {
                var expected = tiny.Logits(Sources[row], Targets[row], embeddings, prefix);
                TensorAssert.Close(expected, logits.narrow(0, batch.Target!.Layout.Start(row), Targets[row].Length), 1e-4);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Token_by_token_gives_the_logits_of_the_whole_target(int kind)
    {
        using var tiny = new TinyT5(2, 3, 2, 4, 8, gated: true, ownHead: true, scaled: false);
        using var model = tiny.Load();
        using var frozen = no_grad();
        using var generator = new Generator(5);
        using var prompt = kind switch
        {
            0 => null,
            1 => Prompt.FromEmbeddings(randn(3, 8, generator: generator)),
            _ => Prompt.FromKeysValues(4, randn(6, 2, 4, 4, generator: generator).unbind(0)),
        };
        int[] target = [Start, 14, 15, 92, 6, 53, 58];
        var batch = Batch(Sources, [.. Sources.Select(_ => target)]);
        var whole = Logits(model, batch, prompt).view(Sources.Length, target.Length, -1);
        using var rows = Model(model).Begin(Sources, prompt, target.Length);
        TensorAssert.Close(whole.select(1, 0), rows.Logits, 1e-5);
        for (int i = 1; i < 4; i++)
        {
            rows.Append([.. Sources.Select(_ => target[i])]);
            TensorAssert.Close(whole.select(1, i), rows.Logits, 1e-5);
        }
        rows.Keep([4, 2, 2]);
        var kept = whole.index_select(0, tensor(new long[] { 4, 2, 2 }));
        TensorAssert.Close(kept.select(1, 3), rows.Logits, 1e-5);
        for (int i = 4; i < target.Length; i++)
        {
            rows.Append([target[i], target[i], target[i]]);
            TensorAssert.Close(kept.select(1, i), rows.Logits, 1e-5);
        }
    }

    [Fact]
    public void Only_the_wanted_positions_are_given()
    {
        using var model = Load("tiny-t5");
        using var frozen = no_grad();
        var batch = Batch(Sources, Targets);
        var at = tensor(batch.Target!.Layout.Last());
        var all = Model(model).Forward(batch, null);
        TensorAssert.Close(all.index_select(0, at), Model(model).Forward(batch, null, at), 1e-6);
    }

    [Fact]
    public void A_prefix_from_a_targets_own_keys_and_values_is_that_target_before_the_rest()
    {
        using var model = Load("tiny-t5-v11");
        using var frozen = no_grad();
        int[] target = [Start, 14, 15, 92, 6, 53, 58];
        var keysValues = new List<Tensor>();
        Model(model).Forward(Batch([Sources[0]], [target[..4]]), null, onKeysValues: (_, key, value) =>
            keysValues.AddRange([key.transpose(0, 1).clone().MoveToOuterDisposeScope(), value.transpose(0, 1).clone().MoveToOuterDisposeScope()]));
        var whole = Logits(model, Batch([Sources[0]], [target]), null);
        var rest = Logits(model, Batch([Sources[0]], [target[4..]]), Prompt.FromKeysValues(4, keysValues));
        TensorAssert.Close(whole.narrow(0, 4, 3), rest, 1e-5);
    }

    [Theory]
    [InlineData("tiny-t5")]
    [InlineData("tiny-t5-v11")]
    public void BFloat16_is_close_to_32_bits(string name)
    {
        using var model = Load(name);
        using var half = PretrainedModel.Load(Fixtures.Model(name), Precision.BFloat16);
        using var frozen = no_grad();
        var batch = Batch(Sources, Targets);
        Tensor exact = Logits(model, batch, null).view(-1), rounded = Logits(half, batch, null).view(-1);
        Assert.True(nn.functional.cosine_similarity(exact, rounded, 0).item<float>() > 0.999);
    }

    [Fact]
    public void A_batch_without_targets_is_refused()
    {
        using var model = Load("tiny-t5");
        var error = Assert.Throws<InvalidOperationException>(() => Model(model).Forward(TokenBatch.Create(Sources, CPU), null));
        Assert.StartsWith("An encoder–decoder's batch needs targets", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _scope.Dispose();

    private static PretrainedModel Load(string name) => PretrainedModel.Load(Fixtures.Model(name), Precision.Float32);

    private static EncoderDecoder Model(PretrainedModel model) => (EncoderDecoder)model.Frozen.Backbone;

    private static TokenBatch Batch(int[][] sources, int[][] targets) => TokenBatch.Create(sources, CPU) with { Target = TokenBatch.Create(targets, CPU) };

    private static Tensor Logits(PretrainedModel model, TokenBatch batch, Prompt? prompt) => Model(model).Logits(Model(model).Forward(batch, prompt));
}
