using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// <see cref="Attention"/> of one query per row and head, as in a step of writing, in loops over main memory. The products are so small that
/// waking libtorch's threads for them takes longer than they do, and those threads then spin on the cores that the next product needs.
/// </summary>
internal static unsafe class StepAttention
{
    // Beyond, arithmetic costs more than calls, and libtorch's products use the caches better.
    private const long MostScores = 1 << 15;

    // Below, the second thread comes too late to help.
    private const long FewestSharedProducts = 1 << 15;

    // Values are summed up in so many vectors at a time, which stay in registers.
    private const int Vectors = 4;

    /// <summary>Whether there is one query per row, all is in 32-bit floats in main memory without gradients, and it is little.</summary>
    public static bool Suits(Tensor query, Tensor key) =>
        query.size(2) == 1 && HostValues.AreFew(query) && Vector.IsHardwareAccelerated && query.size(3) % (Vectors * Vector<float>.Count) == 0
        && query.size(0) * query.size(1) * key.size(2) <= MostScores;

    /// <summary>See <see cref="Attention.Forward"/>.</summary>
    public static Tensor Forward(Tensor query, Tensor key, Tensor value, Tensor? bias, double scale, double? softcap)
    {
        query = query.contiguous();
        (key, value) = (WithRows(key), WithRows(value));
        var output = empty_like(query);
        int rows = (int)query.size(0), heads = (int)query.size(1), size = (int)query.size(3), shared = (int)key.size(1), keys = (int)key.size(2);
        bias = bias is null ? null : WithRows(bias.expand(rows, heads, 1, keys));
        var work = new Work(
            Values.Of(query), Values.Of(key), Values.Of(value), bias is null ? null : Values.Of(bias), Values.Of(output), shared, heads / shared, keys, size, (float)scale, (float?)softcap);
        if ((long)rows * heads * keys * size < FewestSharedProducts)
        {
            for (int part = 0; part < rows * shared; part++)
                work.Do(part);
        }
        else
        {
            SharedWork.Run(rows * shared, work.Do);
        }
        GC.KeepAlive((query, key, value, bias));
        return output;
    }

    /// <summary>The tensor with the values of its last dimension side by side: a bias may be broadcast along the keys, or transposed.</summary>
    private static Tensor WithRows(Tensor x) => x.stride(3) == 1 ? x : x.contiguous();

    /// <summary>Where the values of a tensor `[B, H, S, d]` are that lie side by side in its last dimension.</summary>
    private readonly record struct Values(nint First, long Row, long Head, long Position)
    {
        public static Values Of(Tensor x)
        {
            long[] strides = x.stride();
            ref float first = ref MemoryMarshal.GetReference(HostValues.Of(x.select(0, 0).select(0, 0).select(0, 0).narrow(0, 0, 1)));
            return new Values((nint)Unsafe.AsPointer(ref first), strides[0], strides[1], strides[2]);
        }

        public float* At(int row, int head) => (float*)First + row * Row + head * Head;
    }

    private sealed class Work(
        Values query, Values key, Values value, Values? bias, Values output, int shared, int group, int keys, int size, float scale, float? softcap)
    {
        /// <summary>The heads of one row that share their keys.</summary>
        public void Do(int part)
        {
            int row = part / shared, pair = part % shared;
            float[] rented = ArrayPool<float>.Shared.Rent(keys);
            var scores = rented.AsSpan(0, keys);
            for (int head = pair * group; head < (pair + 1) * group; head++)
            {
                Score(query.At(row, head), key.At(row, pair), scores);
                TensorPrimitives.Multiply(scores, scale, scores);
                if (softcap is { } cap)
                {
                    TensorPrimitives.Divide(scores, cap, scores);
                    TensorPrimitives.Tanh(scores, scores);
                    TensorPrimitives.Multiply(scores, cap, scores);
                }
                if (bias is { } added)
                    TensorPrimitives.Add(scores, new ReadOnlySpan<float>(added.At(row, head), keys), scores);
                TensorPrimitives.Subtract(scores, TensorPrimitives.Max<float>(scores), scores);
                TensorPrimitives.Exp(scores, scores);
                TensorPrimitives.Divide(scores, TensorPrimitives.Sum<float>(scores), scores);
                Sum(scores, value.At(row, pair), output.At(row, head));
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        private void Score(float* q, float* k, Span<float> scores)
        {
            for (int j = 0; j < scores.Length; j++, k += key.Position)
            {
                Vector<float> a = default, b = default;
                for (int i = 0; i < size; i += 2 * Vector<float>.Count)
                {
                    a = Vector.MultiplyAddEstimate(Vector.Load(q + i), Vector.Load(k + i), a);
                    b = Vector.MultiplyAddEstimate(Vector.Load(q + i + Vector<float>.Count), Vector.Load(k + i + Vector<float>.Count), b);
                }
                scores[j] = Vector.Sum(a + b);
            }
        }

        private void Sum(ReadOnlySpan<float> weights, float* v, float* target)
        {
            for (int i = 0; i < size; i += Vectors * Vector<float>.Count)
            {
                Vector<float> a = default, b = default, c = default, d = default;
                float* from = v + i;
                foreach (float weight in weights)
                {
                    var w = new Vector<float>(weight);
                    a = Vector.MultiplyAddEstimate(w, Vector.Load(from), a);
                    b = Vector.MultiplyAddEstimate(w, Vector.Load(from + Vector<float>.Count), b);
                    c = Vector.MultiplyAddEstimate(w, Vector.Load(from + 2 * Vector<float>.Count), c);
                    d = Vector.MultiplyAddEstimate(w, Vector.Load(from + 3 * Vector<float>.Count), d);
                    from += value.Position;
                }
                a.Store(target + i);
                b.Store(target + i + Vector<float>.Count);
                c.Store(target + i + 2 * Vector<float>.Count);
                d.Store(target + i + 3 * Vector<float>.Count);
            }
        }
    }
}
