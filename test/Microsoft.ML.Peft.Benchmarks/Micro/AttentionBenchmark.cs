using BenchmarkDotNet.Attributes;
using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Micro;

/// <summary>The attention of one MiniLM layer (12 heads of width 32) over 32 rows of 17 tokens behind a prefix.</summary>
public class AttentionBenchmark     // public and unsealed, as BenchmarkDotNet asks for
{
    private const int Rows = 32;
    private const int Heads = 12;
    private const int Tokens = 17;
    private const int HeadSize = 32;

    private Tensor _query = null!;      // [B, H, T, d]
    private Tensor _key = null!;        // [B, H, P + T, d]
    private Tensor _value = null!;      // [B, H, P + T, d]

    [Params(Precision.Float32, Precision.BFloat16)]
    public Precision Precision { get; set; }

    [Params(20, 100)]
    public int VirtualTokens { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        using var generator = new Generator(1);
        Tensor Random(int length)
        {
            using var values = randn(Rows, Heads, length, HeadSize, generator: generator);
            return values.to(Precisions.Resolve(Precision, CPU), copy: true).requires_grad_(true);
        }
        (_query, _key, _value) = (Random(Tokens), Random(VirtualTokens + Tokens), Random(VirtualTokens + Tokens));
    }

    [GlobalCleanup]
    public void Free()
    {
        _query.Dispose();
        _key.Dispose();
        _value.Dispose();
    }

    [Benchmark]
    public void Forward()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Attention.Forward(_query, _key, _value, null);
    }

    [Benchmark]
    public void ForwardAndBackward()
    {
        using var scope = NewDisposeScope();
        Attention.Forward(_query, _key, _value, null).sum().backward();
    }
}
