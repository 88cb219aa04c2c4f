using System.Collections.Concurrent;
using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Turns a <see cref="Precision"/> into a number format, by measurement where it is left to us.</summary>
internal static class Precisions
{
    private const double WorthIt = 1.5;
    private const double Clear = 3;
    private const int Size = 384;
    private const int Rounds = 5;

    private static readonly ConcurrentDictionary<string, Lazy<double>> Measured = new();

    public static ScalarType Resolve(Precision precision, Device device) => precision switch
    {
        Precision.Float32 => ScalarType.Float32,
        Precision.BFloat16 => ScalarType.BFloat16,
        Precision.Auto => Speedup(device) >= WorthIt ? ScalarType.BFloat16 : ScalarType.Float32,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "Use Auto, Float32 or BFloat16."),
    };

    /// <summary>How many times as fast as in 32-bit floats a matrix product in bfloat16 is. Measured in milliseconds, once per process.</summary>
    // Once: a program that asked twice and got two answers would not give the same bits.
    public static double Speedup(Device device) => Measured.GetOrAdd(device.ToString(), _ => new Lazy<double>(() => Measure(device))).Value;

    private static double Measure(Device device)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var x = zeros(Size, Size, ScalarType.Float32, device);
        var w = zeros(Size, Size, ScalarType.Float32, device);
        var x16 = x.to(ScalarType.BFloat16);
        var w16 = w.to(ScalarType.BFloat16);
        double full = double.MaxValue, half = double.MaxValue;
        for (int round = 0; round <= Rounds; round++)
        {
            double f = Time(x, w), h = Time(x16, w16);
            if (round == 0)
                continue; // the first round pays for kernel selection
            full = Math.Min(full, f);
            half = Math.Min(half, h);
            if (full >= Clear * half || half >= Clear * full)
                break;
        }
        return full / half;
    }

    private static double Time(Tensor x, Tensor w)
    {
        long start = Stopwatch.GetTimestamp();
        using var y = nn.functional.linear(x, w);
        if (x.device_type == DeviceType.CUDA)
            cuda.synchronize();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
