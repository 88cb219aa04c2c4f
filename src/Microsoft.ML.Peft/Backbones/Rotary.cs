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
        _size = (int)(headSize * configuration.PartialFactor);
        float[] frequencies = Array.ConvertAll(Frequencies(configuration, _size), frequency => (float)frequency);
        _frequencies = tensor((float[])[.. frequencies, .. frequencies], device: device).DetachFromDisposeScope();
        _scale = AttentionFactor(configuration);
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

    private static double[] Frequencies(RotaryConfiguration rotary, int size)
    {
        double[] plain = [.. Enumerable.Range(0, size / 2).Select(i => Math.Pow(rotary.Theta, -2.0 * i / size))];
        return rotary.Scaling switch
        {
            RotaryScaling.None => plain,
            RotaryScaling.Linear => Array.ConvertAll(plain, f => f / rotary.Factor),
            RotaryScaling.Llama3 => Array.ConvertAll(plain, f => Llama3(f, rotary)),
            RotaryScaling.Yarn => Yarn(plain, size, rotary),
            _ => throw new ArgumentOutOfRangeException(nameof(rotary), rotary.Scaling, null),
        };
    }

    /// <summary>Llama 3.1: slow waves are stretched, fast ones kept, those between blended.</summary>
    private static double Llama3(double frequency, RotaryConfiguration rotary)
    {
        double turns = rotary.OriginalMaxPositions * frequency / (2 * Math.PI);
        double keep = Math.Clamp((turns - rotary.LowFrequencyFactor) / (rotary.HighFrequencyFactor - rotary.LowFrequencyFactor), 0, 1);
        return (1 - keep) * frequency / rotary.Factor + keep * frequency;
    }

    /// <summary>YaRN (Peng et al. 2023): dimensions that turn often are kept, those that turn less than once stretched.</summary>
    private static double[] Yarn(double[] plain, int size, RotaryConfiguration rotary)
    {
        double Dimension(double turns) => size * Math.Log(rotary.OriginalMaxPositions / (turns * 2 * Math.PI)) / (2 * Math.Log(rotary.Theta));
        double low = Math.Max(Math.Floor(Dimension(rotary.BetaFast)), 0), high = Math.Min(Math.Ceiling(Dimension(rotary.BetaSlow)), size - 1);
        double width = high > low ? high - low : 0.001;
        return [.. plain.Select((f, i) =>
        {
            double stretch = Math.Clamp((i - low) / width, 0, 1);
            return stretch * f / rotary.Factor + (1 - stretch) * f;
        })];
    }

    private static double AttentionFactor(RotaryConfiguration rotary) => rotary.Scaling != RotaryScaling.Yarn
        ? 1
        : rotary.AttentionFactor ?? (rotary.Factor <= 1 ? 1 : 0.1 * Math.Log(rotary.Factor) + 1);
}
