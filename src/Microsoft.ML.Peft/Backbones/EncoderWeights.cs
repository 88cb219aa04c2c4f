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

    public static EncoderWeights Load(WeightSource checkpoint, EncoderFamily family, EncoderConfiguration configuration, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var names = family.Names;
        var reader = new WeightReader(checkpoint, family.Prefix, names.WordEmbeddings + ".weight", type, device);
        int hidden = configuration.HiddenSize, embedding = configuration.EmbeddingSize, inner = configuration.IntermediateSize;
        int positions = configuration.FirstPosition + configuration.MaxPositions;

        // Files converted from TensorFlow call gain and bias gamma and beta.
        string Either(string name, string usual, string other) => reader.Contains(name + other) ? name + other : name + usual;
        FrozenLayerNorm Norm(string name, int size) => new(
            reader.Read(Either(name, ".weight", ".gamma"), size).DetachFromDisposeScope(),
            reader.Read(Either(name, ".bias", ".beta"), size).DetachFromDisposeScope(), configuration.LayerNormEpsilon);
        EncoderLayer Layer(int i)
        {
            string Name(string pattern) => string.Format(CultureInfo.InvariantCulture, pattern, i);
            string[] parts = [Name(names.Query), Name(names.Key), Name(names.Value)];
            var weight = cat([.. parts.Select(part => reader.Read(part + ".weight", hidden, hidden))], 0);
            var bias = cat([.. parts.Select(part => reader.Read(part + ".bias", hidden))], 0);
            return new EncoderLayer(
                new FrozenLinear(weight.DetachFromDisposeScope(), bias.DetachFromDisposeScope()),
                reader.Linear(Name(names.AttentionOutput), hidden, hidden),
                Norm(Name(names.AttentionNorm), hidden),
                reader.Linear(Name(names.Intermediate), inner, hidden),
                reader.Linear(Name(names.Output), hidden, inner),
                Norm(Name(names.OutputNorm), hidden));
        }

        return new EncoderWeights(type, device)
        {
            WordEmbeddings = reader.Read(names.WordEmbeddings + ".weight", configuration.VocabularySize, embedding).DetachFromDisposeScope(),
            PositionEmbeddings = reader.Read(names.PositionEmbeddings + ".weight", positions, embedding).DetachFromDisposeScope(),
            TokenTypeEmbeddings = configuration.TokenTypes == 0
                ? null
                : reader.Read(names.TokenTypeEmbeddings + ".weight", configuration.TokenTypes, embedding).DetachFromDisposeScope(),
            EmbeddingsNorm = Norm(names.EmbeddingsNorm, embedding),
            EmbeddingsProjection = embedding == hidden ? null : reader.Linear(names.EmbeddingsProjection, hidden, embedding),
            Layers = [.. Enumerable.Range(0, configuration.Layers).Select(Layer)],
            Pooler = reader.Contains(names.Pooler + ".weight") ? reader.Linear(names.Pooler, hidden, hidden) : null,
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
}
