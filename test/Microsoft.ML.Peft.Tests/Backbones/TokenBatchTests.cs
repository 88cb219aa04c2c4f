using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class TokenBatchTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly PretrainedModel _model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);

    public static TheoryData<long[]> WrongShapes => new([], [3], [0, 3], [2, 0], [1, 1, 3]);

    [Theory]
    [MemberData(nameof(WrongShapes))]
    public void Token_ids_that_are_no_rows_of_tokens_are_refused(long[] shape)
    {
        var error = Assert.Throws<ArgumentException>("ids", () => Check(zeros(shape, ScalarType.Int64), zeros(shape, ScalarType.Int64)));
        Assert.Contains($"[{string.Join(", ", shape)}]; give [rows, tokens]", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Bool)]
    public void Only_64_bit_integers_are_taken(ScalarType type)
    {
        var good = ones(1, 3, ScalarType.Int64);
        Assert.Throws<ArgumentException>("ids", () => Check(good.to(type), good));
        Assert.Throws<ArgumentException>("mask", () => Check(good, good.to(type)));
        Assert.Throws<ArgumentException>("typeIds", () => Check(good, good, good.to(type)));
    }

    [Fact]
    public void Mask_and_token_types_have_the_shape_of_the_ids()
    {
        var ids = ones(2, 3, ScalarType.Int64);
        foreach (var other in new[] { ones(2, 4, ScalarType.Int64), ones(1, 3, ScalarType.Int64), ones(6, ScalarType.Int64), ones(2, 3, 1, ScalarType.Int64) })
        {
            Assert.Contains("give Int64 [2, 3]", Assert.Throws<ArgumentException>("mask", () => Check(ids, other)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>("typeIds", () => Check(ids, ids, other));
        }
    }

    [Theory]
    [InlineData(401)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void Token_ids_outside_the_vocabulary_are_refused(long id)
    {
        var ids = tensor(new[] { 5, id, 6 }, [1, 3]);
        Assert.Contains("from 0 to 400", Assert.Throws<ArgumentOutOfRangeException>("ids", () => Check(ids, ones_like(ids))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    public void Masks_and_token_types_other_than_0_and_1_are_refused(long value)
    {
        var ids = ones(1, 3, ScalarType.Int64);
        var wrong = tensor(new[] { 1, value, 1 }, [1, 3]);
        Assert.Throws<ArgumentOutOfRangeException>("mask", () => Check(ids, wrong));
        Assert.Throws<ArgumentOutOfRangeException>("typeIds", () => Check(ids, ids, wrong));
    }

    [Fact]
    public void A_row_without_any_token_is_refused()
    {
        var ids = ones(2, 2, ScalarType.Int64);
        var mask = tensor(new long[] { 1, 1, 0, 0 }, [2, 2]);
        Assert.Contains("all 0", Assert.Throws<ArgumentException>("mask", () => Check(ids, mask)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_tokens_than_positions_are_refused_and_virtual_tokens_count()
    {
        Tensor full = ones(1, 128, ScalarType.Int64), less = ones(1, 120, ScalarType.Int64);
        Assert.Equal(128, Check(full, full).Layout.Positions);
        Assert.Equal(120, Check(less, less, virtualTokens: 8).Layout.Positions);
        var error = Assert.Throws<ArgumentException>("ids", () => Check(less, less, virtualTokens: 9));
        Assert.Contains("120 tokens and 9 virtual tokens do not fit the model's 128 positions", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_tensors_are_refused()
    {
        var ids = ones(1, 3, ScalarType.Int64);
        Assert.Throws<ArgumentNullException>("ids", () => Check(null!, ids));
        Assert.Throws<ArgumentNullException>("mask", () => Check(ids, null!));
    }

    [Fact]
    public void A_model_without_token_types_takes_only_zeros()
    {
        using var distilbert = PretrainedModel.Load(Fixtures.Model("tiny-distilbert"), Precision.Float32);
        var ids = ones(1, 3, ScalarType.Int64);
        Assert.Null(TokenBatch.Checked(ids, ids, zeros_like(ids), distilbert.Frozen.Backbone, 0).Batch.TypeIds);
        Assert.Throws<ArgumentOutOfRangeException>("typeIds", () => TokenBatch.Checked(ids, ids, ids, distilbert.Frozen.Backbone, 0));
    }

    [Fact]
    public void Padding_is_left_out_wherever_it_stands_and_values_find_their_places_again()
    {
        var ids = tensor(new long[] { 9, 7, 8, 5, 9, 9, 6, 9, 4 }, [3, 3]);
        var mask = tensor(new long[] { 0, 1, 1, 1, 0, 0, 1, 0, 1 }, [3, 3]);
        var (batch, places) = TokenBatch.Checked(ids, mask, null, _model.Frozen.Backbone, 0);
        Assert.Equal([5, 7, 8, 6, 4], batch.Ids.data<long>());
        Assert.Equal([3, 1, 2, 6, 8], places.data<long>());
        TensorAssert.Equal(ids * mask, TokenBatch.Pad(batch.Ids, places, 3, 3));
    }

    [Fact]
    public void Rows_are_laid_end_to_end_by_length()
    {
        var batch = TokenBatch.Create([Row([7, 8, 9], 0), Row([5], 0), Row([1, 2, 3], 0)], 3, CPU);
        Assert.Equal([5, 7, 8, 9, 1, 2, 3], batch.Ids.data<long>());
        Assert.Null(batch.TypeIds);
        Assert.Equal(3, batch.Rows);
        Assert.Equal([new RowGroup(0, 1, 1), new RowGroup(1, 2, 3)], batch.Layout.Groups);
    }

    [Fact]
    public void Token_types_other_than_0_are_kept()
    {
        var batch = TokenBatch.Create([Row([7, 8], 1), Row([5, 6], 0)], 0, CPU);
        Assert.Equal([1, 1, 0, 0], batch.TypeIds!.data<long>());
    }

    [Fact]
    public void A_row_without_any_token_is_one_padding_token()
    {
        var batch = TokenBatch.Create([Row([], 0)], 0, CPU);
        Assert.Equal([0], batch.Ids.data<long>());
        using var frozen = no_grad();
        Assert.True(_model.Frozen.Backbone.Forward(batch, null).isfinite().all().item<bool>());
    }

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    private TokenBatch Check(Tensor ids, Tensor mask, Tensor? typeIds = null, int virtualTokens = 0) =>
        TokenBatch.Checked(ids, mask, typeIds, _model.Frozen.Backbone, virtualTokens).Batch;

    private static TokenizedText Row(int[] ids, int type) => new(ids, [.. ids.Select(_ => type)], truncated: false);
}
