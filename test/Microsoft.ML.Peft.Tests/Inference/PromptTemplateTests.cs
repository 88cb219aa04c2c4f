using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

public sealed class PromptTemplateTests : IDisposable
{
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);

    [Fact]
    public void Texts_go_to_their_places_and_all_else_stands_for_itself()
    {
        Assert.Equal("facts\n", PromptTemplate.Parse(PromptTemplate.Default(pairs: false)).Render("facts", null));
        Assert.Equal("a\nb\n", PromptTemplate.Parse(PromptTemplate.Default(pairs: true)).Render("a", "b"));
        Assert.Equal("facts", PromptTemplate.Parse(PromptTemplate.Default(pairs: false, continued: false)).Render("facts", null));
        Assert.Equal("a\nb", PromptTemplate.Parse(PromptTemplate.Default(pairs: true, continued: false)).Render("a", "b"));
        Assert.Equal("{\"b\": {}, {Text} \"{second}\"}{", PromptTemplate.Parse("{\"{second}\": {}, {Text} \"{text}\"}{").Render("{second}", "b"));
    }

    [Fact]
    public void What_does_not_hold_the_text_once_is_refused()
    {
        foreach (string template in (string[])["", "Facts:", "{second}", "{text}{text}", "{ text }"])
            Assert.Equal($"The prompt template '{template}' must hold {{text}} once, where the text goes.", Assert.Throws<ArgumentException>(() => PromptTemplate.Parse(template)).Message);
        Assert.True(PromptTemplate.Parse("{second}: {text}").TakesPairs);
        Assert.False(PromptTemplate.Parse("{text}").TakesPairs);
    }

    [Fact]
    public void A_prompt_that_fits_is_whole()
    {
        var prompt = PromptTemplate.Parse("The {text} now").Fit(_backbone.Words, "whale", null, 100);
        Assert.Equal("The whale now", prompt.Text);
        Assert.Equal(_backbone.Encode("The whale now").Ids, prompt.Ids);
        Assert.False(prompt.Truncated);
        Assert.Equal(prompt.Ids, PromptTemplate.Parse("The {text} now").Fit(_backbone.Words, "whale", null, prompt.Ids.Count).Ids);
    }

    [Fact]
    public void A_long_text_is_cut_at_its_end_and_what_stands_behind_it_stays()
    {
        string text = string.Join(' ', Enumerable.Range(0, 200).Select(i => $"whale {i}"));
        var template = PromptTemplate.Parse("Look: {text}\nAnswer:");
        int least = template.Fit(_backbone.Words, "", null, 1000).Ids.Count;
        for (int room = least; room < least + 12; room++)
        {
            var prompt = template.Fit(_backbone.Words, text, null, room);
            Assert.InRange(prompt.Ids.Count, room - 2, room);
            Assert.True(prompt.Truncated);
            Assert.EndsWith("\nAnswer:", prompt.Text, StringComparison.Ordinal);
            Assert.StartsWith(prompt.Text["Look: ".Length..^"\nAnswer:".Length], text, StringComparison.Ordinal);
            Assert.Equal(_backbone.Encode(prompt.Text).Ids, prompt.Ids);
        }
    }

    [Fact]
    public void Of_two_texts_the_longer_one_is_cut_first()
    {
        string longer = string.Concat(Enumerable.Repeat(" whale", 40));
        var template = PromptTemplate.Parse("{text}|{second}.");
        var first = template.Fit(_backbone.Words, longer, "ship", 20);
        Assert.EndsWith("|ship.", first.Text, StringComparison.Ordinal);
        var second = template.Fit(_backbone.Words, "ship", longer, 20);
        Assert.StartsWith("ship|", second.Text, StringComparison.Ordinal);
        var both = template.Fit(_backbone.Words, longer, longer, 20);
        string[] parts = both.Text.TrimEnd('.').Split('|');
        Assert.InRange(parts[0].Length - parts[1].Length, -8, 8);
        Assert.All(new[] { first, second, both }, prompt => Assert.InRange(prompt.Ids.Count, 17, 20));
    }

    [Fact]
    public void A_template_that_does_not_fit_by_itself_is_refused()
    {
        var template = PromptTemplate.Parse("a b c d e f {text}");
        int least = template.Fit(_backbone.Words, "", null, 1000).Ids.Count;
        var error = Assert.Throws<ArgumentException>(() => template.Fit(_backbone.Words, "whale whale", null, least - 1));
        Assert.Equal(
            $"The prompt template 'a b c d e f {{text}}' takes {least} tokens by itself, but only {least - 1} are left for the prompt; " +
            "use a shorter template, fewer virtual tokens, or more MaxTokens.", error.Message);
    }

    public void Dispose() => _backbone.Dispose();
}
