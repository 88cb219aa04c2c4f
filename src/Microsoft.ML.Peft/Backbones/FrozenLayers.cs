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

/// <summary>Layer normalisation over the last dimension with frozen gain and bias `[D]`.</summary>
internal sealed record FrozenLayerNorm(Tensor Weight, Tensor Bias, double Epsilon) : IDisposable
{
    private readonly long[] _shape = [Weight.size(0)];

    public Tensor Forward(Tensor x) => nn.functional.layer_norm(x, _shape, Weight, Bias, Epsilon);

    public void Dispose()
    {
        Weight.Dispose();
        Bias.Dispose();
    }
}
