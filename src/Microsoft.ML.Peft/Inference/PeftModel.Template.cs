using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

public sealed partial class PeftModel
{
    /// <summary>How the model's own adapter was trained to write; null where that is not known, as of adapters from elsewhere.</summary>
    internal GenerationDescription? Generation => _own.Generation;

    /// <summary>Texts written as in training: each row in the adapter's template, with its options.</summary>
    /// <param name="texts">The texts.</param>
    /// <param name="secondTexts">As many second texts, or none.</param>
    /// <param name="results">Receives what is written.</param>
    internal void Write(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, Span<string> results)
    {
        using var use = Use();
        var description = Generation ?? throw new InvalidOperationException("The adapter has no prompt template.");
        var template = Inference.PromptTemplate.Parse(description.PromptTemplate);
        var options = description.Options;
        int room = Math.Min(description.MaxTokens ?? int.MaxValue, Transformer.Configuration.MaxPositions - VirtualTokens - options.MaxNewTokens);
        var prompts = new string[texts.Length];
        for (int row = 0; row < prompts.Length; row++)
            prompts[row] = template.Fit(_backbone.Words, texts[row] ?? "", secondTexts.IsEmpty ? null : secondTexts[row] ?? "", room).Text;
        // What is drawn depends on the text, not on the row's place, which a batch, a single prediction and another order change.
        int[] numbers = Array.ConvertAll(prompts, HashCode);
        Writing().Write(prompts, options, numbers, CancellationToken.None).ToArray().CopyTo(results);
    }

    /// <summary>FNV-1a over the text's characters: the same in every process, unlike the framework's hash codes.</summary>
    private static int HashCode(string text)
    {
        uint hash = 2166136261;
        foreach (char c in text)
            hash = unchecked((hash ^ c) * 16777619);
        return (int)hash;
    }
}
