using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>A matrix in the quantised blocks in which a file stores it.</summary>
/// <param name="Bytes">The blocks, row by row, over the mapped file.</param>
/// <param name="Type">How they are to be read.</param>
/// <param name="Rows">How many rows the matrix has.</param>
/// <param name="Columns">How many values a row has: whole blocks.</param>
/// <param name="Order">By row, where it is stored; null where rows are stored in their order.</param>
internal sealed record StoredMatrix(Tensor Bytes, GgufType Type, long Rows, long Columns, long[]? Order) : IDisposable
{
    /// <summary>How many bytes a row takes.</summary>
    public long RowBytes => Columns / Type.BlockLength * Type.BlockBytes;

    public void Dispose() => Bytes.Dispose();
}
