using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Rotary position embeddings (Su et al. 2021), halves rotated against each other as in GPT-NeoX.</summary>
internal sealed class Rotary : IDisposable
{
    private readonly Tensor _frequencies;   // [R], each twice, the first time negative
    private readonly double _scale;
    private readonly ScalarType _type;
    private readonly int _size;             // R

    public Rotary(RotaryConfiguration configuration, int headSize, ScalarType type, Device device)
    {
        _size = configuration.SizeIn(headSize);
        float[] frequencies = Array.ConvertAll(RotaryFrequencies.Of(configuration, _size), frequency => (float)frequency);
        _frequencies = tensor((float[])[.. frequencies.Select(frequency => -frequency), .. frequencies], device: device).DetachFromDisposeScope();
        _scale = RotaryFrequencies.AttentionFactor(configuration);
        _type = type;
    }

    /// <summary>Cosines and sines for positions `[M]`: `[M, 1, R]`, the first half's sines negative.</summary>
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
        // Rolled by half its length a vector has its halves exchanged; the one that then comes first is to be subtracted, as the sines' signs say.
        rotated = rotated.mul(at.Cos).Plus(rotated.roll(_size / 2, 2).mul(at.Sin));
        return size == _size ? rotated : cat([rotated, x.narrow(2, _size, size - _size)], 2);
    }

    public void Dispose() => _frequencies.Dispose();
}
