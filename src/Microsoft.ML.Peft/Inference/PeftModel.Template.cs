using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

public sealed partial class PeftModel
{
    /// <summary>Texts written as in training: each row in the adapter's template, with its options.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="secondTexts">As many second texts, or none.</param>
    /// <param name="results">Receives what is written.</param>
    /// <param name="checkCancelled">Called before each generation.</param>
    internal void Write(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, Span<string> results, Action checkCancelled)
    {
        using var use = Use();
        var description = _adapter.Generation ?? throw new InvalidOperationException("The adapter has no prompt template.");
        var template = Inference.PromptTemplate.Parse(description.PromptTemplate);
        var options = description.Options;
        int room = Math.Min(description.MaxTokens ?? int.MaxValue, Transformer.Configuration.MaxPositions - _prompt.Length - options.MaxNewTokens);
        var prompts = new string[texts.Length];
        for (int row = 0; row < prompts.Length; row++)
            prompts[row] = template.Fit(_backbone.Words, texts[row] ?? "", secondTexts.IsEmpty ? null : secondTexts[row] ?? "", room).Text;
        if (options.Temperature == 0)
        {
            checkCancelled();
            Generate(prompts, options).ToArray().CopyTo(results);
            return;
        }
        // What is drawn depends on the row alone: a seed for all rows of a batch would tie it to their order.
        for (int row = 0; row < prompts.Length; row++)
        {
            checkCancelled();
            results[row] = Generate([prompts[row]], options with { Seed = SeedOf(prompts[row], options.Seed) })[0];
        }
    }

    /// <summary>FNV-1a over the text's characters: the same in every process, unlike the framework's hash codes.</summary>
    private static int SeedOf(string text, int seed)
    {
        uint hash = 2166136261 ^ (uint)seed;
        foreach (char c in text)
            hash = unchecked((hash ^ c) * 16777619);
        return (int)hash;
    }
}
