using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Rotary position embeddings (Su et al. 2021), halves rotated against each other as in GPT-NeoX.</summary>
internal sealed class Rotary : IDisposable
{
    private readonly Tensor _frequencies;   // [R], each twice
    private readonly double _scale;
    private readonly ScalarType _type;
    private readonly int _size;             // R

    public Rotary(RotaryConfiguration configuration, int headSize, ScalarType type, Device device)
    {
        _size = configuration.SizeIn(headSize);
        float[] frequencies = Array.ConvertAll(RotaryFrequencies.Of(configuration, _size), frequency => (float)frequency);
        _frequencies = tensor((float[])[.. frequencies, .. frequencies], device: device).DetachFromDisposeScope();
        _scale = RotaryFrequencies.AttentionFactor(configuration);
        _type = type;
    }

    /// <summary>Cosines and sines for positions `[M]`: `[M, 1, R]`.</summary>
    public (Tensor Cos, Tensor Sin) At(Tensor positions)
    {
        var angles = positions.view(-1, 1, 1).to(ScalarType.Float32).mul(_frequencies);
        return (angles.cos().Times(_scale).to(_type), angles.sin().Times(_scale).to(_type));
    }

    /// <summary>Rotates queries or keys `[M, H, d]`.</summary>
    public Tensor Apply(Tensor x, (Tensor Cos, Tensor Sin) at)
    {
        long size = x.size(2);
        var rotated = size == _size ? x : x.narrow(2, 0, _size);
        var (first, second) = (rotated.narrow(2, 0, _size / 2), rotated.narrow(2, _size / 2, _size / 2));
        rotated = rotated.mul(at.Cos).Plus(cat([second.neg(), first], 2).mul(at.Sin));
        return size == _size ? rotated : cat([rotated, x.narrow(2, _size, size - _size)], 2);
    }

    public void Dispose() => _frequencies.Dispose();
}
