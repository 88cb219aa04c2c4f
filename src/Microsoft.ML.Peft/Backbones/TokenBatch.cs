using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Tokens of B rows, padded to T. The tensors belong to the caller.</summary>
/// <param name="Ids">Token ids `[B, T]`, int64.</param>
/// <param name="Mask">1 for tokens and 0 for padding `[B, T]`, int64; null if nothing is padded.</param>
/// <param name="TypeIds">Token types `[B, T]`, int64; null if all are 0.</param>
internal sealed record TokenBatch(Tensor Ids, Tensor? Mask, Tensor? TypeIds)
{
    public long Rows { get; } = Ids.size(0);

    public long Length { get; } = Ids.size(1);

    /// <summary>The rows of <paramref name="table"/> `[N, E]` that <paramref name="indices"/> `[B, T]` name: `[B, T, E]`.</summary>
    public Tensor Gather(Tensor table, Tensor indices) =>
        table.index_select(0, indices.reshape(-1)).view(Rows, Length, -1);

    /// <summary>A batch from a user's tensors: native code does not survive shapes or indices that are wrong.</summary>
    public static TokenBatch Checked(Tensor ids, Tensor mask, Tensor? typeIds, Backbone transformer, int virtualTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(mask);
        var shape = transformer.Configuration;
        if (ids.dim() != 2 || ids.numel() == 0)
            throw new ArgumentException($"The token ids are [{string.Join(", ", ids.shape)}]; give [rows, tokens].", nameof(ids));
        if (ids.size(1) + virtualTokens > shape.MaxPositions)
            throw new ArgumentException($"{ids.size(1)} tokens and {virtualTokens} virtual tokens do not fit the model's {shape.MaxPositions} positions.", nameof(ids));
        Check(ids, shape.VocabularySize, "token ids", nameof(ids));
        Check(mask, 2, "attention mask", nameof(mask));
        if (mask.sum(1).min().item<long>() == 0)
            throw new ArgumentException("A row of the attention mask is all 0; each row needs at least one token.", nameof(mask));
        if (typeIds is not null)
            Check(typeIds, Math.Max(1, transformer.TokenTypes), "token types", nameof(typeIds));
        bool padded = mask.min().item<long>() == 0;
        return new TokenBatch(ids.to(transformer.Device), padded ? mask.to(transformer.Device) : null, transformer.TokenTypes == 0 ? null : typeIds?.to(transformer.Device));

        void Check(Tensor tensor, int bound, string what, string name)
        {
            if (tensor.dtype != ScalarType.Int64 || !tensor.shape.AsSpan().SequenceEqual(ids.shape))
                throw new ArgumentException($"The {what} are {tensor.dtype} [{string.Join(", ", tensor.shape)}]; give Int64 [{string.Join(", ", ids.shape)}].", name);
            long low = tensor.min().item<long>(), high = tensor.max().item<long>();
            if (low < 0 || high >= bound)
                throw new ArgumentOutOfRangeException(name, $"The {what} run from {low} to {high}; they must be from 0 to {bound - 1}.");
        }
    }

    /// <summary>Pads token rows on the right and moves them to the device, one copy per tensor.</summary>
    public static TokenBatch Create(IReadOnlyList<TokenizedText> rows, int paddingId, Device device)
    {
        int length = Math.Max(1, rows.Max(row => row.Ids.Count));
        var ids = new long[rows.Count * length];
        var mask = new long[ids.Length];
        var types = new long[ids.Length];
        Array.Fill(ids, paddingId);
        bool padded = false, typed = false;
        for (int row = 0; row < rows.Count; row++)
        {
            var text = rows[row];
            padded |= text.Ids.Count < length;
            for (int i = 0, at = row * length; i < text.Ids.Count; i++, at++)
            {
                ids[at] = text.Ids[i];
                mask[at] = 1;
                types[at] = text.TypeIds[i];
                typed |= types[at] != 0;
            }
            mask[row * length] = 1; // A row without any token attends to one padding token: a softmax over nothing is NaN.
        }
        Tensor Send(long[] values) => tensor(values, [rows.Count, length], device: device);
        return new TokenBatch(Send(ids), padded ? Send(mask) : null, typed ? Send(types) : null);
    }
}
