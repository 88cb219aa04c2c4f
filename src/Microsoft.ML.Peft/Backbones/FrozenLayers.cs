using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>x Wᵀ + b with frozen W `[out, in]` and b `[out]`.</summary>
internal sealed record FrozenLinear(Tensor Weight, Tensor? Bias) : IDisposable
{
    public Tensor Forward(Tensor x) => nn.functional.linear(x, Weight, Bias);

    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
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
    public Tensor Forward(Tensor x)
    {
        var wide = x.to(ScalarType.Float32);
        return wide.mul(rsqrt(wide.square().mean([-1], keepdim: true).Plus(Epsilon))).to(x.dtype).mul(Weight);
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
