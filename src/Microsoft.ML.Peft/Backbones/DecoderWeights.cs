using System.Globalization;
using Microsoft.ML.Peft.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>One layer's frozen weights. Queries, keys and values are one matrix, and so are the gated feed-forward's two.</summary>
internal sealed record DecoderLayer(
    IFrozenNorm InputNorm, FrozenLinear QueryKeyValue, IFrozenNorm? QueryNorm, IFrozenNorm? KeyNorm, FrozenLinear AttentionOutput,
    IFrozenNorm? PostAttentionNorm, IFrozenNorm MlpNorm, FrozenLinear Up, FrozenLinear Down, IFrozenNorm? PostMlpNorm) : IDisposable
{
    public void Dispose()
    {
        foreach (IDisposable? part in new IDisposable?[] { InputNorm, QueryKeyValue, QueryNorm, KeyNorm, AttentionOutput, PostAttentionNorm, MlpNorm, Up, Down, PostMlpNorm })
            part?.Dispose();
    }
}

/// <summary>All frozen weights of a decoder, in one type on one device, their shapes checked against the configuration.</summary>
internal sealed class DecoderWeights : IDisposable
{
    private DecoderWeights(ScalarType type, Device device)
    {
        Type = type;
        Device = device;
    }

    public ScalarType Type { get; }

    public Device Device { get; }

    /// <summary>`[V, E]`</summary>
    public required Tensor WordEmbeddings { get; init; }

    /// <summary>The factor on token embeddings, in the weights' own type as in the reference.</summary>
    public required Tensor EmbeddingScale { get; init; }

    /// <summary>`[positions, D]`, or null where positions are rotary.</summary>
    public required Tensor? PositionEmbeddings { get; init; }

    /// <summary>`[D, E]` and `[E, D]` where E ≠ D.</summary>
    public required FrozenLinear? ProjectIn { get; init; }

    public required FrozenLinear? ProjectOut { get; init; }

    public required Rotary? Rotary { get; init; }

    /// <summary>For layers with a sliding window; null for the same.</summary>
    public required Rotary? LocalRotary { get; init; }

    public required DecoderLayer[] Layers { get; init; }

    public required IFrozenNorm? FinalNorm { get; init; }

    /// <summary>`[V, E]`: the output layer; null in a checkpoint without one that is not tied to the embeddings.</summary>
    public required FrozenLinear? Head { get; init; }

    public static DecoderWeights Load(WeightSource checkpoint, DecoderFamily family, DecoderConfiguration shape, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var names = family.Names;
        var reader = new WeightReader(checkpoint, family.Prefix, names.WordEmbeddings + ".weight", type, device);
        var layers = new LayerReader(reader, names, shape);
        int hidden = shape.HiddenSize, embedding = shape.EmbeddingSize;
        var words = reader.Read(names.WordEmbeddings + ".weight", shape.VocabularySize, embedding).DetachFromDisposeScope();
        string headName = names.Head + ".weight";
        FrozenLinear? head = shape.TiedHead
            ? new FrozenLinear(words.alias().DetachFromDisposeScope(), null, reader.Blocks(names.WordEmbeddings + ".weight"))
            : reader.ContainsAbsolute(headName)
                ? new FrozenLinear(reader.ReadAbsolute(headName, shape.VocabularySize, embedding).DetachFromDisposeScope(), null, reader.BlocksAbsolute(headName))
                : null;
        Rotary? Rotate(RotaryConfiguration? rotary) => rotary is null ? null : new Rotary(rotary, shape.HeadSize, type, device);
        return new DecoderWeights(type, device)
        {
            WordEmbeddings = words,
            EmbeddingScale = tensor(shape.EmbeddingScale, type, device).DetachFromDisposeScope(),
            PositionEmbeddings = names.PositionEmbeddings is { } positions
                ? reader.Read(positions + ".weight", shape.FirstPosition + shape.MaxPositions, hidden).DetachFromDisposeScope()
                : null,
            ProjectIn = embedding == hidden ? null : layers.Linear(names.ProjectIn, hidden, embedding, bias: false),
            ProjectOut = embedding == hidden ? null : layers.Linear(names.ProjectOut, embedding, hidden, bias: false),
            Rotary = Rotate(shape.Rotary),
            LocalRotary = Rotate(shape.LocalRotary),
            Layers = [.. Enumerable.Range(0, shape.Layers).Select(layers.Read)],
            FinalNorm = names.FinalNorm is { } norm ? layers.Norm(norm, hidden) : null,
            Head = head,
        };
    }

    public void Dispose()
    {
        foreach (IDisposable? part in new IDisposable?[] { WordEmbeddings, EmbeddingScale, PositionEmbeddings, ProjectIn, ProjectOut, Rotary, LocalRotary, FinalNorm, Head }.Concat(Layers))
            part?.Dispose();
    }

    private sealed class LayerReader(WeightReader reader, DecoderWeightNames names, DecoderConfiguration shape)
    {
        private readonly int _hidden = shape.HiddenSize;
        private readonly int _queries = shape.Heads * shape.HeadSize;
        private readonly int _keys = shape.KeyValueHeads * shape.HeadSize;

        public DecoderLayer Read(int layer)
        {
            // The file's parts of joined matrices go with the layer, so that the model is never held twice.
            using var scope = NewDisposeScope();
            string Name(string pattern) => string.Format(CultureInfo.InvariantCulture, pattern, layer);
            return new DecoderLayer(
                Norm(Name(names.InputNorm), _hidden),
                Join(Name),
                shape.QueryKeyNorm ? Norm(Name(names.QueryNorm), shape.HeadSize) : null,
                shape.QueryKeyNorm ? Norm(Name(names.KeyNorm), shape.HeadSize) : null,
                Linear(Name(names.AttentionOutput), _hidden, _queries, shape.Biases.AttentionOutput),
                shape.PostNorms ? Norm(Name(names.PostAttentionNorm), _hidden) : null,
                Norm(Name(names.MlpNorm), _hidden),
                Up(Name),
                Linear(Name(names.Down), _hidden, shape.IntermediateSize, shape.Biases.Mlp),
                shape.PostNorms ? Norm(Name(names.PostMlpNorm), _hidden) : null);
        }

        public IFrozenNorm Norm(string name, int size)
        {
            var weight = reader.Read(name + ".weight", size);
            if (shape.NormAddsOne)
                weight = weight + 1;
            weight = weight.DetachFromDisposeScope();
            return shape.RmsNorm
                ? new FrozenRmsNorm(weight, shape.NormEpsilon)
                : new FrozenLayerNorm(weight, reader.Read(name + ".bias", size).DetachFromDisposeScope(), shape.NormEpsilon);
        }

        /// <summary>Queries, keys and values as one layer `[(H + 2·KV)·d, D]`, however the file has them.</summary>
        private FrozenLinear Join(Func<string, string> name)
        {
            bool bias = shape.Biases.QueryKeyValue;
            if (names.Layout == QueryKeyValueLayout.Separate)
                return Concatenate(bias, (name(names.Query), _queries), (name(names.Key), _keys), (name(names.Value), _keys));
            var fused = Linear(name(names.QueryKeyValue), _queries + 2 * _keys, _hidden, bias);
            if (names.Layout == QueryKeyValueLayout.Fused)
                return fused;
            Tensor Regroup(Tensor value) => value
                .view([shape.Heads, 3, shape.HeadSize, .. value.shape[1..]]).transpose(0, 1).reshape(value.shape).DetachFromDisposeScope();
            using (fused)
                return new FrozenLinear(Regroup(fused.Weight), fused.Bias is null ? null : Regroup(fused.Bias));
        }

        private FrozenLinear Up(Func<string, string> name)
        {
            int inner = shape.IntermediateSize;
            bool bias = shape.Biases.Mlp;
            if (!shape.GatedMlp)
                return Linear(name(names.Up), inner, _hidden, bias);
            return names.GateUp.Length > 0
                ? Linear(name(names.GateUp), 2 * inner, _hidden, bias)
                : Concatenate(bias, (name(names.Gate), inner), (name(names.Up), inner));
        }

        public FrozenLinear Linear(string name, long output, long input, bool bias)
        {
            var (weight, offset) = Read(name, output, input, bias);
            return new FrozenLinear(weight.DetachFromDisposeScope(), offset?.DetachFromDisposeScope(), names.Transposed ? null : reader.Blocks(name + ".weight"));
        }

        /// <summary>Several layers with the same input as one.</summary>
        private FrozenLinear Concatenate(bool bias, params (string Name, int Output)[] layers)
        {
            var parts = Array.ConvertAll(layers, layer => Read(layer.Name, layer.Output, _hidden, bias));
            var weight = cat([.. parts.Select(part => part.Weight)], 0).DetachFromDisposeScope();
            var offset = bias ? cat([.. parts.Select(part => part.Bias!)], 0).DetachFromDisposeScope() : null;
            return new FrozenLinear(weight, offset, names.Transposed ? null : reader.Blocks([.. layers.Select(layer => layer.Name + ".weight")]));
        }

        private (Tensor Weight, Tensor? Bias) Read(string name, long output, long input, bool bias)
        {
            if (!bias)
                reader.RefuseBias(name);
            var weight = names.Transposed ? reader.Read(name + ".weight", input, output).t().contiguous() : reader.Read(name + ".weight", output, input);
            return (weight, bias ? reader.Read(name + ".bias", output) : null);
        }
    }
}
