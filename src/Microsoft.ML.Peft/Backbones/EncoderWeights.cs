using System.Globalization;
using Microsoft.ML.Peft.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>One layer's frozen weights. Query, key and value are one matrix `[3·D, D]`: one large product instead of three.</summary>
internal sealed record EncoderLayer(
    FrozenLinear QueryKeyValue, FrozenLinear AttentionOutput, FrozenLayerNorm AttentionNorm,
    FrozenLinear Intermediate, FrozenLinear Output, FrozenLayerNorm OutputNorm) : IDisposable
{
    public void Dispose()
    {
        QueryKeyValue.Dispose();
        AttentionOutput.Dispose();
        AttentionNorm.Dispose();
        Intermediate.Dispose();
        Output.Dispose();
        OutputNorm.Dispose();
    }
}

/// <summary>All frozen weights of an encoder, in one type on one device, their shapes checked against the configuration.</summary>
internal sealed class EncoderWeights : IDisposable
{
    private EncoderWeights(ScalarType type, Device device)
    {
        Type = type;
        Device = device;
    }

    public ScalarType Type { get; }

    public Device Device { get; }

    /// <summary>`[V, E]`</summary>
    public required Tensor WordEmbeddings { get; init; }

    /// <summary>`[positions, E]`</summary>
    public required Tensor PositionEmbeddings { get; init; }

    /// <summary>`[types, E]`, or null.</summary>
    public required Tensor? TokenTypeEmbeddings { get; init; }

    public required FrozenLayerNorm EmbeddingsNorm { get; init; }

    /// <summary>`[D, E]`, or null where E = D.</summary>
    public required FrozenLinear? EmbeddingsProjection { get; init; }

    public required EncoderLayer[] Layers { get; init; }

    public required FrozenLinear? Pooler { get; init; }

    public static EncoderWeights Load(Checkpoint checkpoint, EncoderFamily family, EncoderConfiguration configuration, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var reader = new Reader(checkpoint, family, type, device);
        var names = family.Names;
        int hidden = configuration.HiddenSize, embedding = configuration.EmbeddingSize, inner = configuration.IntermediateSize;
        int positions = configuration.FirstPosition + configuration.MaxPositions;

        FrozenLayerNorm Norm(string name, int size) =>
            new(reader.Read(reader.NormWeight(name), size), reader.Read(reader.NormBias(name), size), configuration.LayerNormEpsilon);
        FrozenLinear Linear(string name, int output, int input) =>
            new(reader.Read(name + ".weight", output, input), reader.Read(name + ".bias", output));
        EncoderLayer Layer(int i)
        {
            string Name(string pattern) => string.Format(CultureInfo.InvariantCulture, pattern, i);
            string[] parts = [Name(names.Query), Name(names.Key), Name(names.Value)];
            var weight = cat([.. parts.Select(part => reader.Read(part + ".weight", hidden, hidden))], 0);
            var bias = cat([.. parts.Select(part => reader.Read(part + ".bias", hidden))], 0);
            return new EncoderLayer(
                new FrozenLinear(weight.DetachFromDisposeScope(), bias.DetachFromDisposeScope()),
                Keep(Linear(Name(names.AttentionOutput), hidden, hidden)),
                Keep(Norm(Name(names.AttentionNorm), hidden)),
                Keep(Linear(Name(names.Intermediate), inner, hidden)),
                Keep(Linear(Name(names.Output), hidden, inner)),
                Keep(Norm(Name(names.OutputNorm), hidden)));
        }

        return new EncoderWeights(type, device)
        {
            WordEmbeddings = reader.Read(names.WordEmbeddings + ".weight", configuration.VocabularySize, embedding).DetachFromDisposeScope(),
            PositionEmbeddings = reader.Read(names.PositionEmbeddings + ".weight", positions, embedding).DetachFromDisposeScope(),
            TokenTypeEmbeddings = configuration.TokenTypes == 0
                ? null
                : reader.Read(names.TokenTypeEmbeddings + ".weight", configuration.TokenTypes, embedding).DetachFromDisposeScope(),
            EmbeddingsNorm = Keep(Norm(names.EmbeddingsNorm, embedding)),
            EmbeddingsProjection = embedding == hidden ? null : Keep(Linear(names.EmbeddingsProjection, hidden, embedding)),
            Layers = [.. Enumerable.Range(0, configuration.Layers).Select(Layer)],
            Pooler = reader.Contains(names.Pooler + ".weight") ? Keep(Linear(names.Pooler, hidden, hidden)) : null,
        };
    }

    public void Dispose()
    {
        WordEmbeddings.Dispose();
        PositionEmbeddings.Dispose();
        TokenTypeEmbeddings?.Dispose();
        EmbeddingsNorm.Dispose();
        EmbeddingsProjection?.Dispose();
        foreach (var layer in Layers)
            layer.Dispose();
        Pooler?.Dispose();
    }

    private static FrozenLinear Keep(FrozenLinear linear)
    {
        linear.Weight.DetachFromDisposeScope();
        linear.Bias?.DetachFromDisposeScope();
        return linear;
    }

    private static FrozenLayerNorm Keep(FrozenLayerNorm norm)
    {
        norm.Weight.DetachFromDisposeScope();
        norm.Bias.DetachFromDisposeScope();
        return norm;
    }

    /// <summary>Reads tensors by their family's names, whichever of the known spellings the file uses.</summary>
    private sealed class Reader
    {
        private readonly Checkpoint _checkpoint;
        private readonly string _prefix;
        private readonly ScalarType _type;
        private readonly Device _device;

        public Reader(Checkpoint checkpoint, EncoderFamily family, ScalarType type, Device device)
        {
            _checkpoint = checkpoint;
            _type = type;
            _device = device;
            // Files of bare encoders name their tensors without the family's prefix.
            _prefix = checkpoint.Contains(family.Prefix + family.Names.WordEmbeddings + ".weight") ? family.Prefix : "";
        }

        public bool Contains(string name) => _checkpoint.Contains(_prefix + name);

        // Files converted from TensorFlow call gain and bias gamma and beta.
        public string NormWeight(string name) => Contains(name + ".gamma") ? name + ".gamma" : name + ".weight";

        public string NormBias(string name) => Contains(name + ".beta") ? name + ".beta" : name + ".bias";

        public Tensor Read(string name, params long[] shape)
        {
            string fullName = _prefix + name;
            var found = _checkpoint.Info(fullName).Shape;
            if (!found.AsSpan().SequenceEqual(shape))
            {
                throw new InvalidDataException(
                    $"'{_checkpoint.Source}': tensor '{fullName}' is [{string.Join(", ", found)}], but config.json asks for [{string.Join(", ", shape)}]; " +
                    "weights and config.json do not belong together.");
            }
            return _checkpoint.Read(fullName).to(_type, _device);
        }
    }
}
