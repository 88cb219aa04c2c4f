using CsCheck;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Products straight from quantised blocks against libtorch's with the dequantised matrix.</summary>
public sealed class BlockMatrixTests : IDisposable
{
    private static readonly GgufType[] Types = [.. GgufType.All.Where(type => type is { BlockLength: > 1, Dequantize: not null })];

    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Every_type_and_number_of_rows_gives_the_product_with_the_dequantised_matrix()
    {
        // Rows of W beside whole groups and pieces, columns beside whole groups.
        Gen.Select(Gen.Int[0, Types.Length - 1], Gen.Int[1, 70], Gen.Int[1, 7], Gen.Int[1, 8], Gen.Int).Sample((type, output, blocks, rows, seed) =>
        {
            using var scope = NewDisposeScope();
            using var frozen = no_grad();
            var stored = Random(Types[type], output, blocks * 256, new Random(seed));
            var x = Input(rows, blocks * 256, seed);
            AssertProduct(Dequantised(stored), x, null, Matrix(stored).Forward(x, null));
        }, iter: 200);
    }

    [Fact]
    public void Parts_of_different_types_and_orders_lie_one_below_the_other()
    {
        using var frozen = no_grad();
        var random = new Random(3);
        long[] order = [.. Enumerable.Range(0, 37).Select(row => (long)row)];
        random.Shuffle(order);
        StoredMatrix[] parts = [.. new[] { "Q4_1", "Q8_0", "Q6_K" }.Select(name => Random(Types.Single(type => type.Name == name), 37, 512, random))];
        parts[1] = parts[1] with { Order = order };
        Tensor x = Input(3, 512, 1), bias = Input(1, 3 * 37, 2)[0];
        AssertProduct(cat([.. parts.Select(Dequantised)], 0), x, bias, Matrix(parts).Forward(x, bias));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void What_is_no_number_stays_in_its_row(float value)
    {
        using var frozen = no_grad();
        var stored = Random(Types[1], 9, 256, new Random(5));
        var x = Input(3, 256, 4);
        x[1, 100] = value;
        var product = Matrix(stored).Forward(x, null);
        var expected = nn.functional.linear(x, Dequantised(stored));
        Assert.Equal(expected.isfinite().data<bool>(), product.isfinite().data<bool>());
        Assert.Equal(expected[1].isnan().data<bool>(), product[1].isnan().data<bool>());
        Assert.Equal([true, false, true], product.isfinite().all(1).data<bool>());
    }

    [Fact]
    public void Half_precision_rows_give_half_precision_of_the_exact_product()
    {
        using var frozen = no_grad();
        var stored = Random(Types[1], 40, 512, new Random(6));
        var x = Input(4, 512, 5).to(ScalarType.BFloat16);
        var matrix = Matrix(stored);
        TensorAssert.Equal(matrix.Forward(x.to(ScalarType.Float32), null).to(ScalarType.BFloat16), matrix.Forward(x, null));
    }

    [Fact]
    public void The_same_rows_give_the_same_bits_alone_and_beside_others()
    {
        using var frozen = no_grad();
        var matrix = Matrix(Random(Types[0], 100, 1536, new Random(7)));
        var x = Input(8, 1536, 6);
        var all = matrix.Forward(x, null);
        for (int row = 0; row < 8; row++)
            TensorAssert.Equal(all[row], matrix.Forward(x.narrow(0, row, 1), null)[0]);
        for (int times = 0; times < 20; times++)
            TensorAssert.Equal(all, matrix.Forward(x, null));
    }

    [Fact]
    public void Only_few_rows_without_gradient_suit()
    {
        Assert.False(BlockMatrix.Suits(Input(1, 32, 1)));
        using var frozen = no_grad();
        Assert.True(BlockMatrix.Suits(Input(1, 32, 1)));
        Assert.True(BlockMatrix.Suits(Input(8, 32, 1)));
        Assert.False(BlockMatrix.Suits(Input(9, 32, 1)));
        Assert.False(BlockMatrix.Suits(Input(0, 32, 1)));
        Assert.False(BlockMatrix.Suits(Input(8, 32, 1).to(ScalarType.BFloat16)));
    }

    [Fact]
    public void A_matrix_keeps_its_file_mapped()
    {
        using var frozen = no_grad();
        using var directory = new TemporaryDirectory();
        var stored = Random(Types[1], 64, 512, new Random(8));
        string path = directory.File("matrix.gguf");
        File.WriteAllBytes(path, new GgufBytes { Tensors = { ("w", [512, 64], stored.Type.Id, 0) }, Data = stored.Bytes.bytes.ToArray() }.Build());
        BlockMatrix matrix;
        using (var weights = new GgufWeights(GgufFile.Open(path), null))
            matrix = BlockMatrix.Of([weights.Stored("w")])!;
        using (matrix)
        {
            var x = Input(2, 512, 9);
            AssertProduct(Dequantised(stored), x, null, matrix.Forward(x, null));
        }
    }

    [Fact]
    public void Matrices_of_plain_numbers_have_no_blocks()
    {
        using var model = PretrainedModel.Load(Path.Combine(Fixtures.Folder("gguf"), "tiny-llama-f32.gguf"), Precision.Float32);
        Assert.Null(((Decoder)model.Frozen.Backbone).Weights.Layers[0].Up.Blocks);
        using var quantised = PretrainedModel.Load(Path.Combine(Fixtures.Folder("gguf"), "tiny-llama-q8_0.gguf"), Precision.Float32);
        Assert.NotNull(((Decoder)quantised.Frozen.Backbone).Weights.Layers[0].Up.Blocks);
    }

    public void Dispose() => _scope.Dispose();

    private static BlockMatrix Matrix(params StoredMatrix[] parts) => BlockMatrix.Of(parts)!;

    private static Tensor Input(int rows, int columns, int seed)
    {
        using var generator = new Generator((ulong)(uint)seed);
        return randn(rows, columns, generator: generator);
    }

    /// <summary>Blocks of random bytes, of which those with scales beyond measure are drawn again.</summary>
    private static StoredMatrix Random(GgufType type, int rows, int columns, Random random)
    {
        byte[] bytes = new byte[rows * columns / type.BlockLength * type.BlockBytes];
        float[] values = new float[type.BlockLength];
        for (int at = 0; at < bytes.Length; at += type.BlockBytes)
        {
            var block = bytes.AsSpan(at, type.BlockBytes);
            do
            {
                random.NextBytes(block);
                type.Dequantize!(block, values);
            }
            while (!values.All(value => Math.Abs(value) < 1e4f));
        }
        return new StoredMatrix(tensor(bytes), type, rows, columns, null);
    }

    private static Tensor Dequantised(StoredMatrix stored)
    {
        float[] values = new float[stored.Rows * stored.Columns];
        stored.Type.Dequantize!(stored.Bytes.bytes, values);
        var matrix = tensor(values).view(stored.Rows, stored.Columns);
        return stored.Order is { } order ? matrix.index_select(0, tensor(order)) : matrix;
    }

    /// <summary>Equal up to the rounding of sums in another order, which grows with the sum of the magnitudes.</summary>
    private static void AssertProduct(Tensor weight, Tensor x, Tensor? bias, Tensor actual)
    {
        var exact = nn.functional.linear(x.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias?.to(ScalarType.Float64));
        var magnitude = nn.functional.linear(x.abs(), weight.abs(), bias?.abs()) + 1e-30;
        TensorAssert.Close(zeros_like(magnitude), (actual - exact).abs() / magnitude, 4e-6);
    }
}
