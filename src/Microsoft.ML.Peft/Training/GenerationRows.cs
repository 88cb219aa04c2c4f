using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Training;

/// <summary>What is to be written on a prompt, as tokens and as text.</summary>
/// <param name="Prompt">What it is written on.</param>
/// <param name="Target">The text's tokens and the end token, which is missing where the text was cut: it did not end there.</param>
/// <param name="Reference">The whole text.</param>
/// <param name="TargetTruncated">Whether it was cut.</param>
internal sealed record GenerationRow(RenderedPrompt Prompt, int[] Target, string Reference, bool TargetTruncated)
{
    /// <summary>Prompt, target and end token.</summary>
    public int Length => Prompt.Ids.Count + Target.Length;
}

/// <summary>
/// Rows to learn writing from. Prompt and target are tokenised separately and joined, because a prediction starts from the prompt
/// alone: no token may lie across both.
/// </summary>
internal static class GenerationRows
{
    /// <summary>The fewest tokens a target keeps: one, and the end token.</summary>
    private const int FewestTargetTokens = 2;

    /// <param name="backbone">The frozen model, with its tokenizer.</param>
    /// <param name="template">What the texts are put into.</param>
    /// <param name="rows">Texts and targets.</param>
    /// <param name="maxTokens">The most tokens of prompt, target and end token together. Prompts are cut first; targets only where even an empty text leaves too little room.</param>
    /// <param name="checkCancelled">Called now and then.</param>
    public static IReadOnlyList<GenerationRow> Create(PretrainedModel backbone, PromptTemplate template, TargetTexts rows, int maxTokens, Action checkCancelled)
    {
        int end = EndToken(backbone);
        int leastPrompt = template.Fit(backbone.Words, "", rows.SecondTexts is null ? null : "", int.MaxValue).Ids.Count;
        if (maxTokens - leastPrompt < FewestTargetTokens)
        {
            throw new ArgumentException(
                $"The prompt template '{template}' takes {leastPrompt} of at most {maxTokens} tokens, which leaves no room for a text to write; use a shorter template, fewer virtual tokens, or more MaxTokens.");
        }
        var result = new GenerationRow[rows.Count];
        for (int row = 0; row < result.Length; row++)
        {
            if (row % 1000 == 0)
                checkCancelled();
            int[] target = [.. backbone.Words.EncodeToIds(rows.Targets[row]), end];
            bool cut = target.Length > maxTokens - leastPrompt;
            if (cut)
                target = target[..(maxTokens - leastPrompt)];
            var prompt = template.Fit(backbone.Words, rows.Texts[row], rows.SecondTexts?[row], maxTokens - target.Length);
            if (prompt.Ids.Count == 0)
                throw new ArgumentException($"The prompt of row {row} (the first is row 0) is empty, so there is nothing to write on from; give the prompt template a text besides its places.");
            result[row] = new GenerationRow(prompt, target, rows.Targets[row], cut);
        }
        return result;
    }

    /// <summary>Tells these rows from others with any other token or order.</summary>
    public static string Fingerprint(IReadOnlyList<GenerationRow> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var row in rows)
            hash.AppendData(MemoryMarshal.AsBytes<int>([row.Prompt.Ids.Count, row.Target.Length, .. row.Prompt.Ids, .. row.Target]));
        return $"{rows.Count} rows, SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}";
    }

    /// <summary>The token that a text is to end with.</summary>
    private static int EndToken(PretrainedModel backbone)
    {
        var ends = backbone.Frozen.EndIds;
        if (ends.Count == 0)
            throw new NotSupportedException($"The model in '{backbone.Directory}' names no end token (eos_token_id in config.json), so that it cannot learn where a text ends; add it.");
        return backbone.Words.EosId is { } end && ends.Contains(end) ? end : ends.Min();
    }
}
