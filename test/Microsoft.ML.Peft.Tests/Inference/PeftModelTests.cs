using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class PeftModelTests : IDisposable
{
    private const float Tolerance = 1e-5f;

    private static readonly string[] Texts =
        ["the whale", "he saw him from there and was not himself", "", "one man with all his ships and more than that", "a", "but the captain would not see the whale"];

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly PeftModel _model;

    public PeftModelTests() => _model = PeftModel.Load(_backbone, Adapter("prefix"));

    [Fact]
    public void Probabilities_are_from_0_to_1_and_sum_to_1()
    {
        var rows = _model.Classify(Texts);
        Assert.Equal(Texts.Length, rows.Count);
        Assert.All(rows, row =>
        {
            Assert.Equal(3, row.Length);
            Assert.All(row, value => Assert.InRange(value, 0, 1));
            Assert.Equal(1, row.Sum(), 1e-5);
        });
        Assert.NotEqual(rows[0], rows[1]);
    }

    [Fact]
    public void Probabilities_do_not_depend_on_order_or_batch()
    {
        var together = _model.Classify(Texts);
        var reversed = _model.Classify([.. Texts.Reverse()]);
        var many = _model.Classify([.. Enumerable.Range(0, 200).Select(i => Texts[i % Texts.Length])]);
        for (int i = 0; i < Texts.Length; i++)
        {
            AssertClose(together[i], _model.Classify([Texts[i]])[0]);
            AssertClose(together[i], reversed[^(i + 1)]);
            AssertClose(together[i], many[180 + i]);
        }
    }

    [Fact]
    public void Eight_threads_get_what_one_gets()
    {
        var expected = _model.Classify(Texts);
        Parallel.For(0, 32, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            var actual = _model.Classify(Texts);
            for (int row = 0; row < Texts.Length; row++)
                Assert.Equal(expected[row], actual[row]);
        });
    }

    [Fact]
    public void No_texts_give_no_rows() => Assert.Empty(_model.Classify([]));

    [Fact]
    public void Null_counts_as_empty()
    {
        Assert.Equal(_model.Classify([""])[0], _model.Classify([null!])[0]);
        Assert.Equal(_model.Classify(["a"], [""])[0], _model.Classify(["a"], [null!])[0]);
    }

    [Fact]
    public void A_second_text_changes_the_answer_and_each_text_needs_one()
    {
        Assert.NotEqual(_model.Classify(["the whale"])[0], _model.Classify(["the whale"], ["a man"])[0]);
        var error = Assert.Throws<ArgumentException>("secondTexts", () => _model.Classify(["a", "b"], ["c"]));
        Assert.Contains("2 texts but 1 second texts", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>("texts", () => _model.Classify(null!));
    }

    [Fact]
    public void Texts_longer_than_the_positions_are_cut() =>
        Assert.Equal(
            _model.Classify([string.Join(' ', Enumerable.Repeat("whale", 200))])[0],
            _model.Classify([string.Join(' ', Enumerable.Repeat("whale", 900))])[0]);

    [Fact]
    public void Forward_gives_the_logits_of_token_ids()
    {
        using var scope = NewDisposeScope();
        var text = _backbone.Encode(Texts[0]);
        var ids = tensor(text.Ids.Select(id => (long)id).ToArray(), [1, text.Ids.Count]);
        var logits = _model.Forward(ids, ones_like(ids));
        Assert.False(logits.requires_grad);
        AssertClose(_model.Classify([Texts[0]])[0], [.. softmax(logits, 1).data<float>()]);
        Assert.Throws<ArgumentException>(() => _model.Forward(ids, ones(1, 1, ScalarType.Int64)));
        Assert.Throws<ArgumentNullException>(() => _model.Forward(ids, null!));
    }

    [Fact]
    public void A_regression_model_has_no_classes()
    {
        using var model = new TinyTraining().Run(_backbone, TinyTraining.Values(10), task: PredictionTask.Regression).Model;
        Assert.Contains("values, not classes", Assert.Throws<InvalidOperationException>(() => model.Classify(Texts)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_outlives_the_backbone_that_it_was_made_from()
    {
        var expected = _model.Classify(Texts);
        _backbone.Dispose();
        Assert.Equal(expected[1], _model.Classify(Texts)[1]);
    }

    [Fact]
    public void A_disposed_model_refuses_every_use_and_harms_no_other()
    {
        var other = PeftModel.Load(_backbone, Adapter("prefix"));
        var expected = _model.Classify(Texts);
        other.Dispose();
        other.Dispose();
        using var ids = ones(1, 2, ScalarType.Int64);
        Assert.Throws<ObjectDisposedException>(() => other.Classify(Texts));
        Assert.Throws<ObjectDisposedException>(() => other.Classify([]));
        Assert.Throws<ObjectDisposedException>(() => other.Forward(ids, ids));
        Assert.Throws<ObjectDisposedException>(() => other.Save(Path.GetTempPath()));
        Assert.Throws<ObjectDisposedException>(() => other.Score(Texts, [], new float[3 * Texts.Length]));
        Assert.Equal(expected[0], _model.Classify(Texts)[0]);
    }

    [Theory]
    [InlineData("prompt")]
    [InlineData("ptuning-mlp")]
    public void Half_precision_scores_are_close(string method)
    {
        using var half = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.BFloat16);
        using PeftModel full = PeftModel.Load(_backbone, Adapter(method)), other = PeftModel.Load(half, Adapter(method));
        foreach (var (expected, actual) in full.Classify(Texts).Zip(other.Classify(Texts)))
            Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 0.05));
    }

    [Fact]
    public void Null_arguments_are_named()
    {
        Assert.Throws<ArgumentNullException>("backbone", () => PeftModel.Load(null!, Adapter("prompt")));
        Assert.Throws<ArgumentNullException>("directory", () => PeftModel.Load(_backbone, null!));
        Assert.Throws<ArgumentNullException>("directory", () => _model.Save(null!));
        Assert.Throws<ArgumentException>("directory", () => _model.Save(" "));
    }

    public void Dispose()
    {
        _model.Dispose();
        _backbone.Dispose();
    }

    private static string Adapter(string method) => Path.Combine(Fixtures.Default, "cases", $"tiny-bert__{method}__SEQ_CLS", "trained_adapter");

    private static void AssertClose(float[] expected, float[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
}
