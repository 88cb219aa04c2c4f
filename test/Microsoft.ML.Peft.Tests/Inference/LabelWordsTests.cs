using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class LabelWordsTests : IDisposable
{
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);

    [Fact]
    public void A_classs_score_is_the_mean_logit_of_its_words_different_tokens_behind_the_text()
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        string[] words = ["whale", "the sea", "the the ship"];
        using var labelWords = LabelWords.Create(_backbone, words);
        Assert.Equal(3, labelWords.Classes);

        int[][] texts = [[.. _backbone.Encode("the man was").Ids], [.. _backbone.Encode("Call me").Ids]];
        var model = (LanguageModel)_backbone.Frozen.Backbone;
        var scores = labelWords.Score(model, TokenBatch.Create(texts, CPU), null);
        Assert.Equal([2, 3], scores.shape);
        for (int row = 0; row < texts.Length; row++)
        {
            float[] logits = model.Logits(model.Forward(TokenBatch.Create([texts[row]], CPU), null))[-1].data<float>().ToArray();
            for (int i = 0; i < words.Length; i++)
            {
                double expected = _backbone.Words.EncodeToIds(words[i]).Distinct().Average(id => (double)logits[id]);
                Assert.Equal(expected, scores[row, i].item<float>(), 1e-4);
            }
        }
    }

    [Fact]
    public void Words_that_cannot_be_told_apart_are_refused()
    {
        Assert.StartsWith("The label words 'whale' and 'whale' have the same tokens",
            Assert.Throws<ArgumentException>(() => LabelWords.Create(_backbone, ["ship", "whale", "whale"])).Message, StringComparison.Ordinal);
        Assert.StartsWith("The label words '' have no tokens", Assert.Throws<ArgumentException>(() => LabelWords.Create(_backbone, ["ship", ""])).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _backbone.Dispose();
}
