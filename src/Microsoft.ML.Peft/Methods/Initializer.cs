using Microsoft.ML.Peft.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>Draws initial values from a generator of its own: the process-global random state stays as it is.</summary>
internal sealed class Initializer(int seed, Device device) : IDisposable
{
    public Generator Generator { get; } = new Generator((ulong)(uint)seed, CPU);

    /// <summary>Uniform in ±<paramref name="range"/>.</summary>
    public Tensor Uniform(double range, params long[] shape) =>
        rand(shape, generator: Generator).Times(2 * range).Plus(-range).to(device);

    /// <summary>Standard normal, scaled.</summary>
    public Tensor Normal(double scale, params long[] shape) => randn(shape, generator: Generator).Times(scale).to(device);

    /// <summary>A linear layer as PyTorch starts it: weight and bias uniform in ±1/√in.</summary>
    public LinearValues Linear(long output, long input)
    {
        double range = 1 / Math.Sqrt(input);
        return new LinearValues(Uniform(range, output, input), Uniform(range, output));
    }

    /// <summary>A linear layer that answers zero.</summary>
    public LinearValues ZeroLinear(long output, long input) =>
        new(zeros(output, input, device: device), zeros(output, device: device));

    /// <summary>One direction of an LSTM layer as PyTorch starts it: all uniform in ±1/√H.</summary>
    public LstmValues Lstm(long hidden, long input)
    {
        double range = 1 / Math.Sqrt(hidden);
        return new LstmValues(
            Uniform(range, 4 * hidden, input), Uniform(range, 4 * hidden, hidden), Uniform(range, 4 * hidden), Uniform(range, 4 * hidden));
    }

    /// <summary><paramref name="count"/> different numbers below <paramref name="bound"/>; all of them and again if there are too few.</summary>
    public int[] Sample(int bound, int count)
    {
        using var order = randperm(bound, generator: Generator);
        var numbers = order.data<long>().ToArray();
        return [.. Enumerable.Range(0, count).Select(i => (int)numbers[i % numbers.Length])];
    }

    public void Dispose() => Generator.Dispose();
}
