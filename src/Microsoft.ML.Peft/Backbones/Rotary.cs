using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

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
        if (size == _size && HostValues.AreFew(x))
            return Few(x.contiguous(), HostValues.Of(at.Cos), HostValues.Of(at.Sin));
        var rotated = size == _size ? x : x.narrow(2, 0, _size);
        // Rolled by half its length a vector has its halves exchanged; the one that then comes first is to be subtracted, as the sines' signs say.
        rotated = rotated.mul(at.Cos).Plus(rotated.roll(_size / 2, 2).mul(at.Sin));
        return size == _size ? rotated : cat([rotated, x.narrow(2, _size, size - _size)], 2);
    }

    private Tensor Few(Tensor x, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin)
    {
        var result = empty_like(x);
        ReadOnlySpan<float> values = HostValues.Of(x);
        var target = HostValues.Of(result);
        int half = _size / 2, position = (int)x.size(1) * _size;
        Span<float> product = stackalloc float[half];
        for (int at = 0; at < values.Length; at += _size)
        {
            int angle = at / position * _size;
            ReadOnlySpan<float> first = values.Slice(at, half), second = values.Slice(at + half, half);
            Span<float> left = target.Slice(at, half), right = target.Slice(at + half, half);
            TensorPrimitives.Multiply(second, sin.Slice(angle, half), product);
            TensorPrimitives.Multiply(first, cos.Slice(angle, half), left);
            TensorPrimitives.Add(left, product, left);
            TensorPrimitives.Multiply(first, sin.Slice(angle + half, half), product);
            TensorPrimitives.Multiply(second, cos.Slice(angle + half, half), right);
            TensorPrimitives.Add(right, product, right);
        }
        return result;
    }

    public void Dispose() => _frequencies.Dispose();
}
