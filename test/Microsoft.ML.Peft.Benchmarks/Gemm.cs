using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>A large matrix product: what the machine reaches at the moment, in the number format of the frozen weights.</summary>
internal sealed class Gemm : IDisposable
{
    private const int Size = 1536;
    private const double Seconds = 0.25;

    private readonly Tensor _x;
    private readonly Tensor _w;

    public Gemm(ScalarType type)
    {
        using var scope = NewDisposeScope();
        _x = ones(Size, Size, type).DetachFromDisposeScope();
        _w = ones(Size, Size, type).DetachFromDisposeScope();
        Measure();      // the first product pays for kernel selection
    }

    /// <summary>Floating point operations per second, over a span that sees other programs on the machine as much as the work beside it does.</summary>
    public double Measure()
    {
        using var frozen = no_grad();
        long start = Stopwatch.GetTimestamp();
        int products = 0;
        double seconds;
        do
        {
            using var y = nn.functional.linear(_x, _w);
            products++;
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
        while (seconds < Seconds);
        return products * 2.0 * Size * Size * Size / seconds;
    }

    public void Dispose()
    {
        _x.Dispose();
        _w.Dispose();
    }
}
