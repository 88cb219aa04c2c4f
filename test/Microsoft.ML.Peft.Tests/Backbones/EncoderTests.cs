using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class EncoderTests
{
    private const double Tolerance = 1e-5;
    private const int VirtualTokens = 3;

    private static readonly string[] Families = ["tiny-bert", "tiny-roberta", "tiny-distilbert", "tiny-electra"];
    private static readonly string[] Prompts = ["none", "prompt", "prefix"];
    private static readonly string[] Texts = ["the whale", "there was not one ship that he could see from the mast", "him"];

    public static TheoryData<string, string> FamiliesAndPrompts()
    {
        var cases = new TheoryData<string, string>();
        foreach (string family in Families)
        {
            foreach (string prompt in Prompts)
                cases.Add(family, prompt);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(FamiliesAndPrompts))]
    public void A_padded_batch_computes_what_its_rows_compute_alone(string family, string promptKind)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(Fixtures.Model(family), Precision.Float32);
        using var prompt = CreatePrompt(model, promptKind);
        var rows = Texts.Select(text => model.Encode(text)).ToArray();
        var together = Forward(model, prompt, rows);
        int virtualTokens = promptKind == "prompt" ? VirtualTokens : 0;
        for (int row = 0; row < rows.Length; row++)
        {
            int length = virtualTokens + rows[row].Ids.Count;
            TensorAssert.Close(Forward(model, prompt, rows[row])[0], together[row].narrow(0, 0, length), Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(FamiliesAndPrompts))]
    public void What_stands_at_padding_positions_does_not_matter_on_either_side(string family, string promptKind)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(Fixtures.Model(family), Precision.Float32);
        using var prompt = CreatePrompt(model, promptKind);
        var mask = tensor(new long[] { 0, 0, 1, 1, 1, 1, 1, 1, 0, 0 }, [2, 5]);
        var ids = tensor(new long[] { 9, 9, 10, 11, 12, 10, 11, 12, 9, 9 }, [2, 5]);
        var others = tensor(new long[] { 40, 41, 10, 11, 12, 10, 11, 12, 42, 43 }, [2, 5]);

        Tensor Text(Tensor tokens)
        {
            var hidden = Padded.Forward(model.Frozen.Backbone, tokens, prompt, mask);
            return hidden.narrow(1, hidden.size(1) - 5, 5) * mask.unsqueeze(2);
        }

        TensorAssert.Close(Text(ids), Text(others), Tolerance);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("prefix")]
    public void RoBERTa_gives_left_padded_text_the_same_positions(string promptKind)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-roberta"), Precision.Float32);
        using var prompt = CreatePrompt(model, promptKind);
        var encoder = model.Frozen.Backbone;
        var alone = Padded.Forward(encoder, [0, 20, 2], prompt);
        var left = Padded.Forward(encoder, tensor(new long[] { 1, 1, 0, 20, 2 }, [1, 5]), prompt, tensor(new long[] { 0, 0, 1, 1, 1 }, [1, 5]));

        TensorAssert.Close(alone, left.narrow(1, 2, 3), Tolerance);
    }

    [Fact]
    public void The_rows_of_a_batch_do_not_see_each_other()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        TokenizedText first = model.Encode("the whale was there"), second = model.Encode("he saw him from there"), other = model.Encode("ship");
        TensorAssert.Close(Forward(model, null, first, second)[0].narrow(0, 0, first.Ids.Count), Forward(model, null, first, other)[0].narrow(0, 0, first.Ids.Count), Tolerance);
    }

    [Fact]
    public void A_prompt_and_a_prefix_change_what_text_tokens_become()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        var text = model.Encode(Texts[0]);
        using Prompt prompt = CreatePrompt(model, "prompt")!, prefix = CreatePrompt(model, "prefix")!;
        var plain = Forward(model, null, text);
        TensorAssert.Differ(plain, Forward(model, prompt, text).narrow(1, VirtualTokens, text.Ids.Count));
        TensorAssert.Differ(plain, Forward(model, prefix, text));
    }

    [Theory]
    [MemberData(nameof(FamiliesAndPrompts))]
    public void BFloat16_is_close_to_Float32(string family, string promptKind)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var full = PretrainedModel.Load(Fixtures.Model(family), Precision.Float32);
        using var half = PretrainedModel.Load(Fixtures.Model(family), Precision.BFloat16);
        using var prompt = CreatePrompt(full, promptKind);
        Assert.Equal(Precision.BFloat16, half.Precision);
        var rows = Texts.Select(text => full.Encode(text)).ToArray();
        var expected = Forward(full, prompt, rows);
        var actual = Forward(half, prompt, rows);
        Assert.Equal(ScalarType.BFloat16, actual.dtype);
        // Layer-normalised values are of size 1 and bfloat16 has 8 bits.
        TensorAssert.Close(expected, actual, 0.1);
    }

    [Fact]
    public void Each_layer_shows_its_own_keys_and_values()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        var text = model.Encode(Texts[0]);
        var seen = new List<(int Layer, long[] Key, long[] Value)>();
        model.Frozen.Backbone.Forward(TokenBatch.Create([text], 0, CPU), null, null, (layer, key, value) => seen.Add((layer, key.shape, value.shape)));
        Assert.Equal([0, 1, 2], seen.Select(entry => entry.Layer));
        Assert.All(seen, entry =>
        {
            Assert.Equal([text.Ids.Count, 4, 12], entry.Key);
            Assert.Equal([text.Ids.Count, 4, 12], entry.Value);
        });
    }

    private static Tensor Forward(PretrainedModel model, Prompt? prompt, params TokenizedText[] rows)
    {
        int length = rows.Max(row => row.Ids.Count);
        long[] Filled(Func<TokenizedText, int, long> value) => [.. rows.SelectMany(row => Enumerable.Range(0, length).Select(i => i < row.Ids.Count ? value(row, i) : 0))];
        Tensor Batch(long[] values) => tensor(values, [rows.Length, length]);
        return Padded.Forward(model.Frozen.Backbone, Batch(Filled((row, i) => row.Ids[i])), prompt, Batch(Filled((_, _) => 1)));
    }

    private static Prompt? CreatePrompt(PretrainedModel model, string kind)
    {
        var shape = model.Configuration;
        using var generator = new Generator(1, CPU);
        return kind switch
        {
            "prompt" => Prompt.FromEmbeddings(randn(VirtualTokens, shape.EmbeddingSize, generator: generator)),
            "prefix" => Prompt.FromPrefix(randn(VirtualTokens, 2 * shape.Layers * shape.HiddenSize, generator: generator), shape.Layers, shape.Heads),
            _ => null,
        };
    }
}
