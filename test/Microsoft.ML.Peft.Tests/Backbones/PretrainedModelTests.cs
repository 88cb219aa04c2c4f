using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class PretrainedModelTests
{
    [Fact]
    public void The_shape_is_that_of_the_config()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-electra"), Precision.Float32);
        var shape = model.Configuration;
        Assert.Equal("electra", shape.ModelType);
        Assert.Equal((401, 32, 24, 2, 4, 4, 8, 128), (
            shape.VocabularySize, shape.HiddenSize, shape.EmbeddingSize, shape.Layers, shape.Heads, shape.KeyValueHeads, shape.HeadSize, shape.MaxPositions));
        Assert.Equal(Fixtures.Model("tiny-electra"), model.Directory);
    }

    [Fact]
    public void RoBERTa_counts_only_positions_that_text_can_take()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-roberta"), Precision.Float32);
        Assert.Equal(128, model.Configuration.MaxPositions);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    public void An_empty_name_is_refused(string name) =>
        Assert.Throws<ArgumentException>("model", () => PretrainedModel.Load(name));

    [Fact]
    public void An_unknown_precision_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>("precision", () => PretrainedModel.Load(Fixtures.Model("tiny-bert"), (Precision)7));

    [Fact]
    public void Auto_gives_the_same_answer_twice_and_from_many_threads()
    {
        var first = Precisions.Resolve(Precision.Auto, CPU);
        Assert.Contains(first, new[] { ScalarType.Float32, ScalarType.BFloat16 });
        var answers = new ScalarType[8];
        Parallel.For(0, answers.Length, i => answers[i] = Precisions.Resolve(Precision.Auto, CPU));
        Assert.All(answers, answer => Assert.Equal(first, answer));
        Assert.Equal(ScalarType.Float32, Precisions.Resolve(Precision.Float32, CPU));
        Assert.Equal(ScalarType.BFloat16, Precisions.Resolve(Precision.BFloat16, CPU));
    }

    [Fact]
    public void Encode_adds_special_tokens_and_takes_null_for_empty()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        Assert.Equal([2, 3], model.Encode(null).Ids);
        Assert.Equal([2, 3], model.Encode("").Ids);
        var text = model.Encode("whale");
        Assert.Equal(3, text.Ids.Count);
        Assert.Equal((2, 3), (text.Ids[0], text.Ids[^1]));
        Assert.False(text.Truncated);
    }

    [Fact]
    public void Encode_marks_the_second_text_of_a_pair()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        var pair = model.Encode("whale", "the ship");
        int second = pair.Ids.ToList().IndexOf(3) + 1;
        Assert.All(pair.TypeIds.Take(second), type => Assert.Equal(0, type));
        Assert.All(pair.TypeIds.Skip(second), type => Assert.Equal(1, type));
        Assert.Equal(3, pair.Ids[^1]);
        Assert.Equal([.. model.Encode(null, "whale").Ids], model.Encode("", "whale").Ids);
    }

    [Fact]
    public void Encode_cuts_texts_to_the_models_positions()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        string longText = string.Join(' ', Enumerable.Repeat("whale", 500));
        foreach (var cut in new[] { model.Encode(longText), model.Encode(longText, longText), model.Encode("the", longText) })
        {
            Assert.Equal(128, cut.Ids.Count);
            Assert.Equal(3, cut.Ids[^1]);
            Assert.True(cut.Truncated);
        }
    }

    [Fact]
    public void A_disposed_model_refuses_every_use()
    {
        var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        model.Dispose();
        model.Dispose();
        foreach (Func<object> use in new Func<object>[] { () => model.Configuration, () => model.Tokenizer, () => model.Precision, () => model.Directory, () => model.Encode("a"), () => model.Fingerprint, model.Share })
            Assert.Throws<ObjectDisposedException>(use);
        Assert.Throws<ObjectDisposedException>(() => PeftModel.Load(model, Path.Combine(Fixtures.Default, "cases", "tiny-bert__prompt__SEQ_CLS", "adapter")));
    }

    [Fact]
    public void Models_that_differ_in_one_weight_have_different_fingerprints_and_copies_the_same()
    {
        using ModelCopy same = new ModelCopy(), other = new ModelCopy().Rewrite(tensors => tensors["bert.encoder.layer.2.output.dense.bias"].add_(1e-3f));
        using PretrainedModel original = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32), half = same.Load(Precision.BFloat16), changed = other.Load();
        Assert.Equal(original.Fingerprint, half.Fingerprint);
        Assert.NotEqual(original.Fingerprint, changed.Fingerprint);
    }

    [Fact]
    public void The_embedded_model_is_the_default()
    {
        using var model = PretrainedModel.Load(precision: Precision.Float32);
        Assert.Equal("bert", model.Configuration.ModelType);
        Assert.Equal(384, model.Configuration.HiddenSize);
        Assert.Equal(Pooling.Mean, model.Frozen.Pooling);
        Assert.Equal("all-MiniLM-L6-v2", model.Name);
    }
}
