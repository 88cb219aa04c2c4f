using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>The tokens of B rows laid end to end, N in all, without padding. The tensors belong to the caller.</summary>
/// <param name="Layout">Where each row lies.</param>
/// <param name="Ids">Token ids `[N]`, int64.</param>
/// <param name="TypeIds">Token types `[N]`, int64; null if all are 0.</param>
internal sealed record TokenBatch(RowLayout Layout, Tensor Ids, Tensor? TypeIds)
{
    public int Rows => Layout.Rows;

    /// <summary>What an encoder–decoder writes on each row, the start token first; null for other models.</summary>
    public TokenBatch? Target { get; init; }

    /// <summary>Lays token rows end to end and moves them to the device, one copy per tensor.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="paddingId">What stands for a row without any token.</param>
    /// <param name="device">The device.</param>
    /// <param name="prompts">The numbers of the rows' soft prompts; null where all have the same.</param>
    public static TokenBatch Create(IReadOnlyList<TokenizedText> rows, int paddingId, Device device, IReadOnlyList<int>? prompts = null) =>
        Create([.. rows.Select(row => row.Ids)], [.. rows.Select(row => row.TypeIds)], paddingId, device, prompts);

    /// <summary>A batch from token ids alone.</summary>
    public static TokenBatch Create(IReadOnlyList<IReadOnlyList<int>> rows, Device device, IReadOnlyList<int>? prompts = null) => Create(rows, null, 0, device, prompts);

    /// <summary>
    /// A batch from a user's padded tensors `[B, T]`, and the place in them of each of its tokens `[N]`: native code does not survive
    /// shapes or indices that are wrong. Padding, wherever it stands, is left out.
    /// </summary>
    public static (TokenBatch Batch, Tensor Places) Checked(Tensor ids, Tensor mask, Tensor? typeIds, Backbone transformer, int virtualTokens)
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

        var layout = RowLayout.Of(Array.ConvertAll(Values(mask.sum(1)), count => (int)count));
        long[] places = Places(layout, Values(mask), (int)ids.size(1));
        Tensor at = tensor(places, device: transformer.Device);
        Tensor Pack(Tensor values) => values.to(transformer.Device).reshape(-1).index_select(0, at);
        return (new TokenBatch(layout, Pack(ids), transformer.TokenTypes == 0 || typeIds is null ? null : Pack(typeIds)), at);

        void Check(Tensor tensor, int bound, string what, string name)
        {
            if (tensor.dtype != ScalarType.Int64 || !tensor.shape.AsSpan().SequenceEqual(ids.shape))
                throw new ArgumentException($"The {what} are {tensor.dtype} [{string.Join(", ", tensor.shape)}]; give Int64 [{string.Join(", ", ids.shape)}].", name);
            long low = tensor.min().item<long>(), high = tensor.max().item<long>();
            if (low < 0 || high >= bound)
                throw new ArgumentOutOfRangeException(name, $"The {what} run from {low} to {high}; they must be from 0 to {bound - 1}.");
        }
    }

    /// <summary>Values of the batch's tokens `[N, …]` at their places in padded rows: `[B, T, …]`, zero where there is padding.</summary>
    public static Tensor Pad(Tensor values, Tensor places, long rows, long length)
    {
        long[] rest = values.shape[1..];
        return zeros([rows * length, .. rest], values.dtype, values.device).index_copy(0, places, values).view([rows, length, .. rest]);
    }

    private static TokenBatch Create(IReadOnlyList<IReadOnlyList<int>> rows, IReadOnlyList<IReadOnlyList<int>>? types, int paddingId, Device device, IReadOnlyList<int>? prompts)
    {
        // A row without any token is one padding token: a mean or a softmax over nothing is NaN.
        var layout = RowLayout.Of([.. rows.Select(row => Math.Max(1, row.Count))], prompts);
        long[] ids = new long[layout.Positions], typeIds = new long[layout.Positions];
        bool typed = false;
        for (int row = 0; row < rows.Count; row++)
        {
            long start = layout.Start(row);
            ids[start] = paddingId;
            for (int i = 0; i < rows[row].Count; i++)
            {
                ids[start + i] = rows[row][i];
                typeIds[start + i] = types?[row][i] ?? 0;
                typed |= typeIds[start + i] != 0;
            }
        }
        return new TokenBatch(layout, tensor(ids, device: device), typed ? tensor(typeIds, device: device) : null);
    }

    private static long[] Places(RowLayout layout, long[] mask, int length)
    {
        var places = new long[layout.Positions];
        for (int row = 0; row < layout.Rows; row++)
        {
            long at = layout.Start(row);
            for (int i = 0; i < length; i++)
            {
                if (mask[row * length + i] != 0)
                    places[at++] = row * length + i;
            }
        }
        return places;
    }

    private static long[] Values(Tensor values) => values.cpu().contiguous().data<long>().ToArray();
}
