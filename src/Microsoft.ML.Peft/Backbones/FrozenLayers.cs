using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>x Wᵀ + b with frozen W `[out, in]` and b `[out]`.</summary>
/// <param name="Weight">W.</param>
/// <param name="Bias">b, or null.</param>
/// <param name="Blocks">W as its file stores it in quantised blocks, for few rows x; null where it does not.</param>
internal sealed record FrozenLinear(Tensor Weight, Tensor? Bias, BlockMatrix? Blocks = null) : IDisposable
{
    // oneDNN, by which libtorch multiplies bfloat16 on a CPU, makes machine code for each new number of rows, and that takes longer than the
    // product. Packed rows have another number every time; rounded up, the same few are met again.
    private const int RowStep = 32;

    public Tensor Forward(Tensor x)
    {
        if (Blocks is { } blocks && BlockMatrix.Suits(x))
            return blocks.Forward(x, Bias);
        if (x.dtype != ScalarType.BFloat16 || x.device_type != DeviceType.CPU || x.dim() != 2 || x.size(0) is not (> RowStep and var rows) || rows % RowStep == 0)
            return nn.functional.linear(x, Weight, Bias);
        return nn.functional.linear(nn.functional.pad(x, [0, 0, 0, RowStep - rows % RowStep]), Weight, Bias).narrow(0, 0, rows);
    }

    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
        Blocks?.Dispose();
    }
}

/// <summary>A frozen normalisation over the last dimension.</summary>
internal interface IFrozenNorm : IDisposable
{
    Tensor Forward(Tensor x);
}

/// <summary>Root mean square normalisation with frozen gain `[D]`, computed in 32-bit floats.</summary>
internal sealed record FrozenRmsNorm(Tensor Weight, double Epsilon) : IFrozenNorm
{
    private readonly double _share = 1.0 / Weight.size(0);

    public Tensor Forward(Tensor x)
    {
        if (HostValues.AreFew(x))
            return Few(x.contiguous());
        var wide = x.to(ScalarType.Float32);
        // The mean square from the norm: its kernel and its gradient go over x once, a square and a mean do so several times.
        var meanSquare = wide.norm(-1, keepdim: true).square().Times(_share);
        return wide.mul(rsqrt(meanSquare.Plus(Epsilon))).to(x.dtype).mul(Weight);
    }

    private Tensor Few(Tensor x)
    {
        var result = empty_like(x);
        ReadOnlySpan<float> values = HostValues.Of(x), gain = HostValues.Of(Weight);
        var target = HostValues.Of(result);
        for (; !values.IsEmpty; values = values[gain.Length..], target = target[gain.Length..])
        {
            ReadOnlySpan<float> row = values[..gain.Length];
            TensorPrimitives.Multiply(row, (float)(1 / Math.Sqrt(TensorPrimitives.SumOfSquares(row) / gain.Length + Epsilon)), target);
            TensorPrimitives.Multiply(target[..gain.Length], gain, target);
        }
        return result;
    }

    public void Dispose() => Weight.Dispose();
}

/// <summary>Layer normalisation over the last dimension with frozen gain and bias `[D]`.</summary>
internal sealed record FrozenLayerNorm(Tensor Weight, Tensor Bias, double Epsilon) : IFrozenNorm
{
    private readonly long[] _shape = [Weight.size(0)];

    public Tensor Forward(Tensor x) => nn.functional.layer_norm(x, _shape, Weight, Bias, Epsilon);

    public void Dispose()
    {
        Weight.Dispose();
        Bias.Dispose();
    }
}
