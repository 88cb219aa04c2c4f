using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class DecoderTests : IDisposable
{
    private static readonly long[] Tokens = [5, 9, 20, 7, 33, 12, 41, 8, 17, 29, 3, 50];

    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string> Families => ["gpt2", "llama", "llama3", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3", "gptneox", "opt"];

    [Theory]
    [MemberData(nameof(Families))]
    public void A_row_padded_on_either_side_computes_what_it_computes_alone(string name)
    {
        using var model = Load(name);
        using var frozen = no_grad();
        var row = tensor(Tokens, [1, Tokens.Length]);
        var padding = zeros(1, 4, ScalarType.Int64);
        var (seen, hidden) = (ones(1, Tokens.Length, ScalarType.Int64), zeros(1, 4, ScalarType.Int64));
        foreach (var prompt in Prompts(model.Frozen.Backbone))
        {
            int virtualTokens = prompt?.Embeddings is null ? 0 : prompt.Length;
            var alone = Padded.Forward(model.Frozen.Backbone, row, prompt);
            var right = Padded.Forward(model.Frozen.Backbone, cat([row, padding], 1), prompt, cat([seen, hidden], 1));
            var left = Padded.Forward(model.Frozen.Backbone, cat([padding, row], 1), prompt, cat([hidden, seen], 1));
            Tensor Text(Tensor states, int start) => states.narrow(1, virtualTokens + start, Tokens.Length);
            TensorAssert.Close(Text(alone, 0), Text(right, 0), 1e-5);
            TensorAssert.Close(Text(alone, 0), Text(left, 4), 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_token_does_not_see_the_future(string name)
    {
        using var model = Load(name);
        using var frozen = no_grad();
        var full = Padded.Forward(model.Frozen.Backbone, Tokens);
        var start = Padded.Forward(model.Frozen.Backbone, Tokens[..5]);
        TensorAssert.Close(start, full.narrow(1, 0, 5), 1e-5);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void BFloat16_is_close_to_32_bits(string name)
    {
        using var model = Load(name);
        using var half = PretrainedModel.Load(Fixtures.Model("tiny-" + name), Precision.BFloat16);
        using var frozen = no_grad();
        Tensor exact = Padded.Forward(model.Frozen.Backbone, Tokens).reshape(-1), rounded = Padded.Forward(half.Frozen.Backbone, Tokens).to(ScalarType.Float32).reshape(-1);
        Assert.True(nn.functional.cosine_similarity(exact, rounded, 0).item<float>() > 0.999);
    }

    [Fact]
    public void A_prefix_from_a_texts_own_keys_and_values_is_that_text_before_the_input()
    {
        using var model = Load("llama");
        using var frozen = no_grad();
        var rows = new List<Tensor>();
        var full = Padded.Forward(model.Frozen.Backbone, Tokens);
        model.Frozen.Backbone.Forward(TokenBatch.Create([[.. Tokens[..4].Select(id => (int)id)]], CPU), null, null, (_, key, value) =>
            rows.AddRange([key.clone().MoveToOuterDisposeScope(), value.clone().MoveToOuterDisposeScope()]));
        var shape = model.Frozen.Backbone.Configuration;
        var prefix = Prompt.FromPrefix(stack(rows, 1).reshape(4, -1), shape.Layers, shape.KeyValueHeads);
        var rest = Padded.Forward(model.Frozen.Backbone, Tokens[4..], prefix);
        TensorAssert.Close(full.narrow(1, 4, Tokens.Length - 4), rest, 1e-5);
    }

    public void Dispose() => _scope.Dispose();

    private static PretrainedModel Load(string name) => PretrainedModel.Load(Fixtures.Model("tiny-" + name), Precision.Float32);

    /// <summary>None, an input prompt, a prefix.</summary>
    private static IEnumerable<Prompt?> Prompts(Backbone backbone)
    {
        using var generator = new Generator(7);
        var shape = backbone.Configuration;
        yield return null;
        yield return Prompt.FromEmbeddings(randn(3, shape.EmbeddingSize, generator: generator));
        yield return Prompt.FromPrefix(randn(3, 2 * shape.Layers * shape.KeyValueHeads * shape.HeadSize, generator: generator), shape.Layers, shape.KeyValueHeads);
    }
}
