using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Benchmarks.Naive;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Benchmarks;

/// <summary>The benchmarks' plain way and the library write the same.</summary>
public sealed class NaiveWritingTests
{
    private const int NewTokens = 8;

    private static readonly string[] Texts = ["the whale was there", "he saw one ship, and the man on it", "now"];

    [Theory]
    [InlineData("tiny-llama", "prompt tuning")]
    [InlineData("tiny-llama", "prefix tuning")]
    [InlineData("tiny-gpt2", "prompt tuning")]
    [InlineData("tiny-gpt2", "prefix tuning")]
    [InlineData("tiny-mistral", "prompt tuning")]
    [InlineData("tiny-gemma3", "prefix tuning")]
    public void Texts_of_different_lengths_get_the_same_tokens(string model, string method)
    {
        using var scope = NewDisposeScope();
        using var backbone = PretrainedModel.Load(Fixtures.Model(model), Precision.Float32);
        var language = (LanguageModel)backbone.Frozen.Backbone;
        IReadOnlyList<int>[] texts = [.. Texts.Select(text => backbone.Encode(text).Ids)];
        bool isPrefix = method == "prefix tuning";
        using var initializer = new Initializer(1, CPU);
        using var softPrompt = SoftPromptFactory.Create(TinyMethods.Of(method), TinyMethods.Source(backbone), initializer);
        using var start = softPrompt.Compute().detach().clone();
        using var naive = new NaiveWriting(PretrainedModel.Load(Fixtures.Model(model), Precision.Float32), start, isPrefix);
        Assert.InRange(naive.Compare(texts), 0, 1e-5);

        using var prompt = NaiveWriting.Prepare(language, start, isPrefix);
        var options = new GenerationOptions { MaxNewTokens = NewTokens };
        var writings = texts.Select(text => new Writing(language, prompt, text, options, backbone.Frozen.EndIds)).ToList();
        WritingBatch.WriteAll(language, writings, CancellationToken.None);
        Assert.Equal(writings.Select(writing => writing.Written), naive.Write(texts, NewTokens, backbone.Frozen.EndIds));
    }

    [Fact]
    public void A_text_is_written_to_its_end_token_and_no_further()
    {
        using var scope = NewDisposeScope();
        string model = Fixtures.Model("tiny-llama");
        using var backbone = PretrainedModel.Load(model, Precision.Float32);
        using var start = zeros(4, backbone.Configuration.EmbeddingSize);
        using var naive = new NaiveWriting(PretrainedModel.Load(model, Precision.Float32), start, isPrefix: false);
        IReadOnlyList<int>[] texts = [backbone.Encode(Texts[0]).Ids];
        var whole = naive.Write(texts, NewTokens, new HashSet<int>())[0];
        Assert.Equal(NewTokens, whole.Count);
        int end = whole[2];
        Assert.Equal(whole.Take(whole.ToList().IndexOf(end) + 1), naive.Write(texts, NewTokens, new HashSet<int> { end })[0]);
    }
}
