using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// W `[out, in]` in the quantised blocks of its file, for x Wᵀ with few rows x. Such a product is bound by how fast W comes from memory,
/// and blocks are a fraction of the floats that they stand for. The weights are those that loading dequantises, to the last bit, and
/// are multiplied in 32-bit floats: only the order of the sums differs from libtorch's.
/// </summary>
internal sealed unsafe class BlockMatrix : IDisposable
{
    // With more rows the product is bound by arithmetic, for which libtorch has wider instructions on some machines.
    private const int MostRows = 8;
    // bfloat16 is half as much to read, and on machines that are chosen for it arithmetic is faster, too.
    private const int MostHalfRows = 4;

    // A piece is what one thread does at a time, a group what it multiplies at once: so many rows of W, of so many columns.
    private const int PieceRows = 32;
    private const int GroupRows = 4;
    private const int GroupColumns = 1024;

    private readonly StoredMatrix[] _parts;
    private readonly Piece[] _pieces;
    private readonly int _columns;
    private readonly int _rows;

    private BlockMatrix(StoredMatrix[] parts)
    {
        _parts = parts;
        _columns = (int)parts[0].Columns;
        _rows = (int)parts.Sum(part => part.Rows);
        var pieces = new List<Piece>();
        int below = 0;
        foreach (var part in parts)
        {
            part.Bytes.DetachFromDisposeScope();
            for (int first = 0; first < part.Rows; first += PieceRows)
                pieces.Add(new Piece(part, first, Math.Min(PieceRows, (int)part.Rows - first), below + first));
            below += (int)part.Rows;
        }
        _pieces = [.. pieces];
    }

    /// <summary>Stored matrices with the same number of columns, one below the other, from now on this object's; null where one is not stored in blocks.</summary>
    public static BlockMatrix? Of(IReadOnlyList<StoredMatrix?> parts)
    {
        if (Vector.IsHardwareAccelerated && parts.All(part => part is not null && part.Columns % Vector<float>.Count == 0))
            return new BlockMatrix([.. parts.OfType<StoredMatrix>()]);
        foreach (var part in parts)
            part?.Dispose();
        return null;
    }

    /// <summary>Whether the rows are few enough, and need no gradient.</summary>
    public static bool Suits(Tensor x) =>
        x.dim() == 2 && x.size(0) is > 0 and var rows && rows <= (x.dtype == ScalarType.Float32 ? MostRows : MostHalfRows) && !is_grad_enabled();

    /// <summary>x Wᵀ + b `[M, out]` for x `[M, in]`, in the type of x.</summary>
    public Tensor Forward(Tensor x, Tensor? bias)
    {
        int rows = (int)x.size(0);
        var input = x.to(ScalarType.Float32).contiguous();
        var output = empty(rows, _rows, ScalarType.Float32);
        fixed (float* read = HostValues.Of(input), written = HostValues.Of(output))
        {
            nint from = (nint)read, to = (nint)written;
            SharedWork.Run(_pieces.Length, piece => Multiply(_pieces[piece], (float*)from, rows, (float*)to));
        }
        GC.KeepAlive(input);
        return (bias is null ? output : output.Plus(bias)).to(x.dtype);
    }

    public void Dispose()
    {
        foreach (var part in _parts)
            part.Dispose();
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(Piece piece, float* x, int rows, float* y)
    {
        float* weights = stackalloc float[GroupRows * GroupColumns];
        for (int first = 0; first < piece.Count; first += GroupRows)
        {
            int count = Math.Min(GroupRows, piece.Count - first);
            for (int column = 0; column < _columns; column += GroupColumns)
            {
                int length = Math.Min(GroupColumns, _columns - column);
                for (int i = 0; i < count; i++)
                    piece.Dequantise(first + i, column, new Span<float>(weights + i * length, length));
                Group(weights, length, x + column, rows, y + piece.Target + first, count, column > 0);
            }
        }
    }

    /// <summary>Some columns of all rows of x times the same columns of a group of W's rows; what lies behind a smaller group is computed, and not written.</summary>
    private void Group(float* weights, int length, float* x, int rows, float* y, int count, bool adds)
    {
        float* sums = stackalloc float[2 * GroupRows];
        for (int row = 0; row < rows; row += 2)
        {
            int pair = Math.Min(2, rows - row);
            if (pair == 2)
                Two(weights, length, x + (long)row * _columns, x + (long)(row + 1) * _columns, sums);
            else
                One(weights, length, x + (long)row * _columns, sums);
            for (int i = 0; i < pair; i++)
            {
                var target = new Span<float>(y + (long)(row + i) * _rows, count);
                for (int j = 0; j < count; j++)
                    target[j] = sums[i * GroupRows + j] + (adds ? target[j] : 0);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void One(float* weights, int length, float* x, float* sums)
    {
        Vector<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < length; i += Vector<float>.Count)
        {
            var v = Vector.Load(x + i);
            a = Vector.MultiplyAddEstimate(Vector.Load(weights + i), v, a);
            b = Vector.MultiplyAddEstimate(Vector.Load(weights + length + i), v, b);
            c = Vector.MultiplyAddEstimate(Vector.Load(weights + 2 * length + i), v, c);
            d = Vector.MultiplyAddEstimate(Vector.Load(weights + 3 * length + i), v, d);
        }
        (sums[0], sums[1], sums[2], sums[3]) = (Vector.Sum(a), Vector.Sum(b), Vector.Sum(c), Vector.Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(float* weights, int length, float* x, float* y, float* sums)
    {
        Vector<float> a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        for (int i = 0; i < length; i += Vector<float>.Count)
        {
            Vector<float> v = Vector.Load(x + i), u = Vector.Load(y + i), w = Vector.Load(weights + i);
            (a, e) = (Vector.MultiplyAddEstimate(w, v, a), Vector.MultiplyAddEstimate(w, u, e));
            w = Vector.Load(weights + length + i);
            (b, f) = (Vector.MultiplyAddEstimate(w, v, b), Vector.MultiplyAddEstimate(w, u, f));
            w = Vector.Load(weights + 2 * length + i);
            (c, g) = (Vector.MultiplyAddEstimate(w, v, c), Vector.MultiplyAddEstimate(w, u, g));
            w = Vector.Load(weights + 3 * length + i);
            (d, h) = (Vector.MultiplyAddEstimate(w, v, d), Vector.MultiplyAddEstimate(w, u, h));
        }
        (sums[0], sums[1], sums[2], sums[3]) = (Vector.Sum(a), Vector.Sum(b), Vector.Sum(c), Vector.Sum(d));
        (sums[4], sums[5], sums[6], sums[7]) = (Vector.Sum(e), Vector.Sum(f), Vector.Sum(g), Vector.Sum(h));
    }

    /// <summary>Some rows of W that lie in one part of it.</summary>
    private sealed class Piece(StoredMatrix part, int first, int count, int target)
    {
        private readonly Dequantizer _dequantize = part.Type.Dequantize!;
        // The mapping does not move, and lives as long as the part.
        private readonly byte* _bytes = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(part.Bytes.narrow(0, 0, 1).bytes));

        public int Count => count;

        /// <summary>The first row's number in W.</summary>
        public int Target => target;

        public void Dequantise(int row, int column, Span<float> values)
        {
            var type = part.Type;
            long stored = part.Order is { } order ? order[first + row] : first + row;
            byte* blocks = _bytes + stored * part.RowBytes + column / type.BlockLength * type.BlockBytes;
            _dequantize(new ReadOnlySpan<byte>(blocks, values.Length / type.BlockLength * type.BlockBytes), values);
        }
    }
}
