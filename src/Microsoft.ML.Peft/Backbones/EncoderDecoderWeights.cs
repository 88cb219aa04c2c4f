using System.Globalization;
using Microsoft.ML.Peft.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>The decoder's attention to the encoder's output. Keys and values are one matrix `[2·H·d, D]`.</summary>
internal sealed record CrossAttention(IFrozenNorm Norm, FrozenLinear Query, FrozenLinear KeyValue, FrozenLinear Output) : IDisposable
{
    public void Dispose()
    {
        Norm.Dispose();
        Query.Dispose();
        KeyValue.Dispose();
        Output.Dispose();
    }
}

/// <summary>One layer of the encoder, or of the decoder with its cross-attention. Queries, keys and values are one matrix, and so are the gated feed-forward's two.</summary>
internal sealed record StackLayer(
    IFrozenNorm SelfAttentionNorm, FrozenLinear QueryKeyValue, FrozenLinear AttentionOutput, CrossAttention? Cross,
    IFrozenNorm MlpNorm, FrozenLinear Up, FrozenLinear Down) : IDisposable
{
    public void Dispose()
    {
        foreach (IDisposable? part in new IDisposable?[] { SelfAttentionNorm, QueryKeyValue, AttentionOutput, Cross, MlpNorm, Up, Down })
            part?.Dispose();
    }
}

/// <summary>The layers of the encoder or of the decoder, the bias that all their self-attentions share, and the norm behind them.</summary>
internal sealed record LayerStack(StackLayer[] Layers, RelativeBias RelativeBias, IFrozenNorm FinalNorm) : IDisposable
{
    public void Dispose()
    {
        foreach (var layer in Layers)
            layer.Dispose();
        RelativeBias.Dispose();
        FinalNorm.Dispose();
    }
}

/// <summary>All frozen weights of an encoder–decoder, in one type on one device, their shapes checked against the configuration.</summary>
internal sealed class EncoderDecoderWeights : IDisposable
{
    private EncoderDecoderWeights(ScalarType type, Device device)
    {
        Type = type;
        Device = device;
    }

    public ScalarType Type { get; }

    public Device Device { get; }

    /// <summary>`[V, D]`, of both sides.</summary>
    public required Tensor WordEmbeddings { get; init; }

    public required LayerStack Encoder { get; init; }

    public required LayerStack Decoder { get; init; }

    /// <summary>`[V, D]`: the output layer.</summary>
    public required FrozenLinear Head { get; init; }

    public static EncoderDecoderWeights Load(WeightSource checkpoint, EncoderDecoderFamily family, EncoderDecoderConfiguration shape, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var names = family.Names;
        string table = (names.WordEmbeddings.FirstOrDefault(name => checkpoint.Contains(family.Prefix + name + ".weight")) ?? names.WordEmbeddings[0]) + ".weight";
        var reader = new WeightReader(checkpoint, family.Prefix, table, type, device);
        var words = reader.Read(table, shape.VocabularySize, shape.HiddenSize).DetachFromDisposeScope();
        string head = names.Head + ".weight";
        // Whatever config.json says of tying: a file with an output layer of its own means it.
        var output = reader.ContainsAbsolute(head) ? reader.ReadAbsolute(head, shape.VocabularySize, shape.HiddenSize) : words.alias();
        return new EncoderDecoderWeights(type, device)
        {
            WordEmbeddings = words,
            Encoder = new StackReader(reader, names.Encoder, shape).Read(shape.EncoderLayers, isDecoder: false),
            Decoder = new StackReader(reader, names.Decoder, shape).Read(shape.Layers, isDecoder: true),
            Head = new FrozenLinear(output.DetachFromDisposeScope(), null),
        };
    }

    public void Dispose()
    {
        WordEmbeddings.Dispose();
        Encoder.Dispose();
        Decoder.Dispose();
        Head.Dispose();
    }

    private sealed class StackReader(WeightReader reader, StackWeightNames names, EncoderDecoderConfiguration shape)
    {
        private readonly int _hidden = shape.HiddenSize;
        private readonly int _heads = shape.Heads * shape.HeadSize;

        public LayerStack Read(int layers, bool isDecoder)
        {
            var bias = reader.Read(names.Prefix + names.RelativeBias + ".weight", shape.RelativeBuckets, shape.Heads);
            return new LayerStack(
                [.. Enumerable.Range(0, layers).Select(layer => Layer(layer, isDecoder))],
                new RelativeBias(bias, shape.RelativeMaxDistance, causal: isDecoder), Norm(names.Prefix + names.FinalNorm));
        }

        private StackLayer Layer(int layer, bool isDecoder)
        {
            string Name(string pattern) => names.Prefix + string.Format(CultureInfo.InvariantCulture, pattern, layer);
            string self = Name(names.SelfAttentionLayer), attention = self + names.SelfAttention, mlp = Name(names.MlpLayer);
            string[] up = shape.GatedMlp ? [mlp + names.Gate, mlp + names.GatedUp] : [mlp + names.Up];
            return new StackLayer(
                Norm(self + names.Norm),
                Join(_heads, _hidden, attention + names.Query, attention + names.Key, attention + names.Value),
                Join(_hidden, _heads, attention + names.AttentionOutput),
                isDecoder ? Cross(Name(names.CrossAttentionLayer)) : null,
                Norm(mlp + names.Norm),
                Join(shape.IntermediateSize, _hidden, up),
                Join(_hidden, shape.IntermediateSize, mlp + names.Down));
        }

        private CrossAttention Cross(string layer)
        {
            string attention = layer + names.CrossAttention;
            return new CrossAttention(
                Norm(layer + names.Norm),
                Join(_heads, _hidden, attention + names.Query),
                Join(_heads, _hidden, attention + names.Key, attention + names.Value),
                Join(_hidden, _heads, attention + names.AttentionOutput));
        }

        /// <summary>Some matrices `[out, in]` as one layer, one behind the other; T5's layers have no biases.</summary>
        private FrozenLinear Join(long output, long input, params string[] parts)
        {
            Tensor[] weights = [.. parts.Select(part => reader.Read(part + ".weight", output, input))];
            return new FrozenLinear((weights.Length == 1 ? weights[0] : cat(weights, 0)).DetachFromDisposeScope(), null);
        }

        private FrozenRmsNorm Norm(string name) => new(reader.Read(name + ".weight", _hidden).DetachFromDisposeScope(), shape.NormEpsilon);
    }
}
