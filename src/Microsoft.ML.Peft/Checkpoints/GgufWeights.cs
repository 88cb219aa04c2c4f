using System.Security.Cryptography;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>The weights of a GGUF file, under its own names.</summary>
/// <param name="file">The file; disposed with the weights.</param>
/// <param name="pairedHeads">The heads of queries and of keys where their rows are stored in pairs (see <see cref="Unpair"/>); null where they are not.</param>
/// <param name="known">Tensors that need not be read.</param>
internal sealed class GgufWeights(GgufFile file, (long Query, long Key)? pairedHeads, params IReadOnlyList<string> known) : WeightSource
{
    private readonly HashSet<string> _read = [.. known];

    public override string Source => file.Path;

    public override string Configuration => "its metadata";

    public override IEnumerable<(string Type, long Values, long Bytes)> Sizes =>
        file.Tensors.Values.Select(info => (info.Type.Name, Product(info.Shape), info.Length));

    public override bool Contains(string name) => file.Tensors.ContainsKey(name);

    public override long[] Shape(string name) => file.Info(name).Shape;

    public override Tensor Read(string name, ScalarType type)
    {
        var stored = file.Read(name, type);
        _read.Add(name);
        return PairedHeads(name) is { } heads ? Unpair(stored, heads) : stored;
    }

    public override StoredMatrix? Stored(string name)
    {
        var info = file.Info(name);
        if (info.Type is not { BlockLength: > 1, Dequantize: not null } || info.Shape.Length != 2)
            return null;
        var stored = file.Stored(name);
        if (PairedHeads(name) is not { } heads)
            return stored;
        using var order = Unpair(arange(stored.Rows, ScalarType.Int64), heads);
        return stored with { Order = order.data<long>().ToArray() };
    }

    /// <summary>A file holds what its model computes with and nothing else: a tensor without a place means that the model is another one.</summary>
    public override void CheckAllRead()
    {
        string[] left = [.. file.Tensors.Keys.Where(name => !_read.Contains(name))];
        if (left.Length > 0)
        {
            throw new NotSupportedException(
                $"'{Source}' has {left.Length} tensors that the architecture {file.Text("general.architecture")} as it is supported has no place for, such as '{left[0]}'.");
        }
    }

    public override string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var info in file.Tensors.Values.OrderBy(info => info.Name, StringComparer.Ordinal))
            AppendTensor(hash, info.Name, info.Type.Name, info.Shape, info.Length, (start, count) => file.Bytes(info.Name, start, count).ToArray());
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public override void Dispose() => file.Dispose();

    /// <summary>The heads of a tensor whose rows are stored in pairs; null for any other.</summary>
    private long? PairedHeads(string name)
    {
        if (name.Contains(".attn_q.", StringComparison.Ordinal))
            return pairedHeads?.Query;
        return name.Contains(".attn_k.", StringComparison.Ordinal) ? pairedHeads?.Key : null;
    }

    /// <summary>Rows 0, 1, 2, 3 … of a head back to the halves that Hugging Face's rotary positions turn against each other.</summary>
    private static Tensor Unpair(Tensor stored, long heads)
    {
        using (stored)
        {
            long[] shape = stored.shape;
            return stored.view([heads, shape[0] / heads / 2, 2, .. shape[1..]]).transpose(1, 2).reshape(shape);
        }
    }
}
