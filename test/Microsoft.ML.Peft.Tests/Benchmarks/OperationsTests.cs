using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Benchmarks;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

/// <summary>Operations counted product by product, for a shape small enough to do it by hand.</summary>
public sealed class OperationsTests
{
    private static readonly EncoderConfiguration Encoder = new()
    {
        ModelType = "bert",
        VocabularySize = 100,
        HiddenSize = 8,
        EmbeddingSize = 8,
        IntermediateSize = 32,
        Layers = 2,
        Heads = 2,
        MaxPositions = 64,
        Activation = Activation.Gelu,
        LayerNormEpsilon = 1e-5,
        TokenTypes = 2,
        PaddingId = 0,
    };

    private static readonly DecoderConfiguration Decoder = new()
    {
        ModelType = "llama",
        VocabularySize = 100,
        HiddenSize = 8,
        EmbeddingSize = 8,
        IntermediateSize = 16,
        Layers = 2,
        Heads = 2,
        KeyValueHeads = 1,
        MaxPositions = 64,
        Activation = Activation.Silu,
        GatedMlp = true,
        RmsNorm = true,
        NormEpsilon = 1e-5,
        TiedHead = true,
        Biases = DecoderBiases.None,
    };

    [Fact]
    public void An_encoders_row_under_a_prefix_counts_its_tokens_and_all_keys()
    {
        double perToken = 2 * (4 * 8 * 8 + 2 * 8 * 32), attention = 2 * 2 * 5 * (3 + 5) * 8;
        Assert.Equal(2 * (5 * perToken + attention), new Operations(Encoder, Prefix: true, 3, Training: false).Row(5, 5));
    }

    [Fact]
    public void An_encoders_virtual_tokens_pass_its_layers_in_every_row()
    {
        double perToken = 2 * (4 * 8 * 8 + 2 * 8 * 32), keysValues = 2 * 2 * 8 * 8, attention = 2 * 2 * (3 + 5) * 8;
        double first = 8 * (perToken + attention), last = 8 * keysValues + 1 * (perToken - keysValues + attention);
        Assert.Equal(first + last, new Operations(Encoder, Prefix: false, 3, Training: false).Row(5, 1));
        Assert.Equal(0, new Operations(Encoder, Prefix: false, 3, Training: false).Batch);
    }

    [Fact]
    public void A_decoders_virtual_tokens_are_counted_once_per_batch_and_their_output_never()
    {
        double keysValues = 2 * 2 * 8 * 4, rest = 2 * (2 * 8 * 8 + 3 * 8 * 16), attention = 2 * 2 * 8 * (1 + 2 + 3);
        var operations = new Operations(Decoder, Prefix: false, 3, Training: false);
        Assert.Equal(3 * (keysValues + rest) + attention + 3 * keysValues, operations.Batch);
        Assert.Equal(operations.Row(5, 2), new Operations(Decoder, Prefix: true, 3, Training: false).Row(5, 2));
    }

    [Fact]
    public void A_decoders_token_sees_what_stands_before_it()
    {
        double perToken = 2 * (2 * 8 * 8 + 2 * 8 * 4 + 3 * 8 * 16), attention = 2 * 2 * 8 * (4 + 5 + 6 + 7 + 8);
        var operations = new Operations(Decoder, Prefix: true, 3, Training: false);
        Assert.Equal(2 * (5 * perToken + attention), operations.Row(5, 5));
        Assert.Equal(2 * (perToken + 2 * 2 * 8 * 9), operations.Token(3 + 5));
        Assert.Equal(4 * 2 * 8 * 100, operations.Logits(4));
    }

    [Fact]
    public void Training_counts_the_way_back_without_gradients_of_frozen_weights()
    {
        double keysValues = 2 * 2 * 8 * 8, query = 2 * 8 * 8, rest = 2 * (8 * 8 + 2 * 8 * 32), attention = 2 * 2 * 5 * (3 + 5) * 8;
        double forward = 2 * (5 * (keysValues + query + rest) + attention);
        double last = 5 * (keysValues + query + rest) + 2 * attention, first = 5 * rest + 2 * attention;       // text needs no gradient
        Assert.Equal(forward + last + first, new Operations(Encoder, Prefix: true, 3, Training: true).Row(5, 5));
    }
}
