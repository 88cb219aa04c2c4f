using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>A frozen language model writes without a soft prompt, too.</summary>
public sealed class PretrainedModelExtensionsTests : IDisposable
{
    private const string Text = "a ship of war and the sea";

    private readonly PretrainedModel _model = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);

    [Fact]
    public void The_frozen_model_alone_writes_its_likeliest_tokens()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var decoder = (LanguageModel)_model.Frozen.Backbone;
        List<int> tokens = [.. _model.Encode(Text).Ids];
        int given = tokens.Count;
        for (int i = 0; i < 12; i++)
        {
            var logits = decoder.Logits(Padded.Forward(decoder, [.. tokens.Select(id => (long)id)]).select(1, -1));
            tokens.Add((int)logits.argmax().item<long>());
        }
        string expected = _model.Words.Decode(tokens[given..], skipSpecialTokens: true);
        Assert.Equal(expected, _model.Generate([Text], new GenerationOptions { MaxNewTokens = 12 })[0]);
    }

    [Fact]
    public async Task Streamed_pieces_are_the_whole_text()
    {
        var options = new GenerationOptions { MaxNewTokens = 20 };
        var pieces = new List<string>();
        await foreach (string piece in _model.GenerateStreamAsync(Text, options))
            pieces.Add(piece);
        Assert.Equal(_model.Generate([Text], options)[0], string.Concat(pieces));
        Assert.True(pieces.Count > 1);
    }

    [Fact]
    public async Task A_model_disposed_while_it_writes_ends_its_text()
    {
        var options = new GenerationOptions { MaxNewTokens = 20 };
        string expected = _model.Generate([Text], options)[0], written = "";
        var other = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        await foreach (string piece in other.GenerateStreamAsync(Text, options))
        {
            written += piece;
            other.Dispose();
        }
        Assert.Equal(expected, written);
        Assert.Throws<ObjectDisposedException>(() => other.Generate([Text]));
    }

    [Fact]
    public void An_encoder_is_refused()
    {
        using var encoder = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        var error = Assert.Throws<InvalidOperationException>(() => encoder.Generate([Text]));
        Assert.EndsWith("is an encoder, which reads and does not write; take a language model.", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _model.Dispose();
}
