using CsCheck;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Attention of one query per row in loops against the same with libtorch's operations.</summary>
public sealed class StepAttentionTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Any_shape_gives_what_libtorch_computes_with_gradients()
    {
        Gen.Select(Gen.Int[1, 5], Gen.Int[1, 3], Gen.Int[1, 4], Gen.Int[1, 90], Gen.Int[1, 3], Gen.Int[0, 2], Gen.Bool).Sample(
            (rows, shared, group, keys, size, biasKind, capped) =>
            {
                using var scope = NewDisposeScope();
                var random = new Generator((ulong)(rows + 7 * keys));
                Tensor Normal(params long[] shape) => randn(shape, generator: random);
                // Keys and values as a cache has them: parts of more rows and columns than are used.
                var query = Normal(rows, shared * group, 1, 32 * size);
                Tensor key = Normal(rows + 2, shared, keys + 9, 32 * size).narrow(0, 0, rows).narrow(2, 4, keys);
                Tensor value = Normal(rows + 2, shared, keys + 3, 32 * size).narrow(0, 0, rows).narrow(2, 1, keys);
                var bias = biasKind switch
                {
                    0 => null,
                    1 => Hidden(rows, keys),
                    _ => Normal(1, shared * group, 1, keys),
                };
                double? softcap = capped ? 20 : null;
                var expected = Attention.Forward(query, key, value, bias, 0.3, softcap);        // gradients are on
                using var frozen = no_grad();
                Assert.True(StepAttention.Suits(query, key));
                Assert.Equal(0, (Attention.Forward(query, key, value, bias, 0.3, softcap) - expected).abs().max().item<float>(), 1e-5);
            },
            iter: 300);
    }

    [Fact]
    public void A_key_that_a_row_may_not_see_has_no_part_in_it()
    {
        using var frozen = no_grad();
        Tensor query = randn(2, 3, 1, 32), key = randn(2, 1, 4, 32), value = randn(2, 1, 4, 32);
        var bias = zeros(2, 1, 1, 4);
        bias[1, 0, 0, 0] = float.NegativeInfinity;
        var before = StepAttention.Forward(query, key, value, bias, 0.1, null).clone();
        value[1, 0, 0] = 1e6f;
        Assert.Equal(before.data<float>(), StepAttention.Forward(query, key, value, bias, 0.1, null).data<float>());
    }

    [Fact]
    public void A_bias_may_be_broadcast_along_the_keys_or_transposed()
    {
        Tensor query = randn(2, 3, 1, 32), key = randn(2, 1, 4, 32), value = randn(2, 1, 4, 32);
        foreach (var bias in new[] { randn(2, 3, 1, 1), randn(4, 3).t().view(1, 3, 1, 4), randn(4) })
        {
            var expected = Attention.Forward(query, key, value, bias);      // gradients are on
            using var frozen = no_grad();
            TensorAssert.Close(expected, StepAttention.Forward(query, key, value, bias, 1 / Math.Sqrt(32), null), 1e-6);
        }
    }

    [Fact]
    public void Several_queries_a_narrow_head_other_formats_and_gradients_are_left_to_libtorch()
    {
        Tensor query = randn(1, 2, 1, 32), key = randn(1, 2, 5, 32);
        Assert.False(StepAttention.Suits(query, key));
        using var frozen = no_grad();
        Assert.True(StepAttention.Suits(query, key));
        Assert.False(StepAttention.Suits(randn(1, 2, 2, 32), key));
        Assert.False(StepAttention.Suits(randn(1, 2, 1, 12), randn(1, 2, 5, 12)));
        Assert.False(StepAttention.Suits(query.to(ScalarType.BFloat16), key.to(ScalarType.BFloat16)));
        Assert.False(StepAttention.Suits(query, randn(1, 2, 1 << 15, 32)));
    }

    public void Dispose() => _scope.Dispose();

    /// <summary>Rows that begin at different columns.</summary>
    private static Tensor Hidden(int rows, int keys)
    {
        var bias = zeros(rows, 1, 1, keys);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < Math.Min(row, keys - 1); column++)
                bias[row, 0, 0, column] = float.NegativeInfinity;
        }
        return bias;
    }
}
