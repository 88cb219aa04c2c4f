using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class RotaryTests : IDisposable
{
    private const int Size = 8;

    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Each_pair_turns_by_its_own_angle()
    {
        float[] angles = Angles(new RotaryConfiguration { Theta = 10000 }, position: 3);
        Assert.Equal([3f, 0.3f, 0.03f, 0.003f], angles, (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void Linear_scaling_stretches_all()
    {
        float[] angles = Angles(new RotaryConfiguration { Theta = 10000, Scaling = RotaryScaling.Linear, Factor = 4 }, position: 2);
        Assert.Equal([0.5f, 0.05f, 0.005f, 0.0005f], angles, (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Fact]
    public void Llama3_scaling_keeps_fast_waves_and_stretches_slow_ones()
    {
        var rotary = new RotaryConfiguration { Theta = 10000, Scaling = RotaryScaling.Llama3, Factor = 8, OriginalMaxPositions = 32 };
        float[] angles = Angles(rotary, position: 1);
        Assert.Equal(1f, angles[0], 1e-4);                  // 5.1 turns in 32 positions: kept
        Assert.Equal(0.1f / 8, angles[1], 1e-5);            // half a turn: stretched
        Assert.Equal(0.001f / 8, angles[3], 1e-6);
    }

    [Fact]
    public void Yarn_scaling_keeps_fast_waves_stretches_slow_ones_and_sharpens_attention()
    {
        var configuration = new RotaryConfiguration { Theta = 10000, Scaling = RotaryScaling.Yarn, Factor = 4, OriginalMaxPositions = 64, BetaFast = 4, BetaSlow = 1 };
        using var rotary = new Rotary(configuration, Size, ScalarType.Float32, CPU);
        var (cos, sin) = rotary.At(tensor(new long[] { 1 }));
        double length = Math.Sqrt(Math.Pow(cos[0, 0, 0].item<float>(), 2) + Math.Pow(sin[0, 0, 0].item<float>(), 2));
        Assert.Equal(0.1 * Math.Log(4) + 1, length, 1e-5);
        float[] angles = [.. Enumerable.Range(0, Size / 2).Select(i => MathF.Atan2(-sin[0, 0, i].item<float>(), cos[0, 0, i].item<float>()))];
        Assert.Equal(1f, angles[0], 1e-4);
        Assert.Equal(0.001f / 4, angles[3], 1e-6);
    }

    [Fact]
    public void A_partial_rotation_leaves_the_rest_of_the_head()
    {
        using var rotary = new Rotary(new RotaryConfiguration { Theta = 10000, PartialFactor = 0.5 }, Size, ScalarType.Float32, CPU);
        var x = arange(2 * Size, dtype: ScalarType.Float32).view(2, 1, Size);
        var turned = rotary.Apply(x, rotary.At(tensor(new long[] { 0, 5 })));
        TensorAssert.Close(x.narrow(2, 4, 4), turned.narrow(2, 4, 4), 0);
        TensorAssert.Close(x.narrow(0, 0, 1), turned.narrow(0, 0, 1), 1e-6);
        Assert.False(x.allclose(turned));
    }

    [Fact]
    public void A_few_positions_turn_as_many_do()
    {
        using var generator = new Generator(2);
        using var rotary = new Rotary(new RotaryConfiguration { Theta = 10000 }, Size, ScalarType.Float32, CPU);
        var heads = randn(3, 5, Size, generator: generator).narrow(1, 1, 3);
        var angles = rotary.At(tensor(new long[] { 4, 0, 77 }));
        var expected = rotary.Apply(heads, angles);     // with gradients: by libtorch
        using var frozen = no_grad();
        TensorAssert.Close(expected, rotary.Apply(heads, angles), 1e-6);
    }

    public void Dispose() => _scope.Dispose();

    private static float[] Angles(RotaryConfiguration configuration, long position)
    {
        using var rotary = new Rotary(configuration, Size, ScalarType.Float32, CPU);
        var (cos, sin) = rotary.At(tensor(new[] { position }));
        return [.. Enumerable.Range(0, Size / 2).Select(i => MathF.Atan2(-sin[0, 0, i].item<float>(), cos[0, 0, i].item<float>()))];
    }
}
