using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>Rows padded to the longest one. The tensors belong to the current dispose scope.</summary>
/// <param name="Ids">Token ids `[B, T]`.</param>
/// <param name="TypeIds">Token types `[B, T]`.</param>
/// <param name="Mask">1 for tokens and 0 for padding `[B, T]`, int64.</param>
internal sealed record NaiveBatch(Tensor Ids, Tensor TypeIds, Tensor Mask)
{
    public long Rows => Ids.size(0);

    public long Length => Ids.size(1);

    /// <summary>Padded on the right, as for training, or on the left, as for writing on.</summary>
    public static NaiveBatch Create(IReadOnlyList<IReadOnlyList<int>> rows, IReadOnlyList<IReadOnlyList<int>>? types = null, bool left = false)
    {
        int longest = Math.Max(1, rows.Max(row => row.Count));
        var (ids, typeIds, mask) = (new long[rows.Count, longest], new long[rows.Count, longest], new long[rows.Count, longest]);
        for (int row = 0; row < rows.Count; row++)
        {
            int start = left ? longest - rows[row].Count : 0;
            for (int i = 0; i < rows[row].Count; i++)
            {
                ids[row, start + i] = rows[row][i];
                typeIds[row, start + i] = types?[row][i] ?? 0;
                mask[row, start + i] = 1;
            }
            // A mean or a softmax over nothing is no number: a row without tokens is one padding token, as in the library.
            if (rows[row].Count == 0)
                mask[row, left ? longest - 1 : 0] = 1;
        }
        return new NaiveBatch(tensor(ids), tensor(typeIds), tensor(mask));
    }
}
