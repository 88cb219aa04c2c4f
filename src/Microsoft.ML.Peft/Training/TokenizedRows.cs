using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Training;

/// <summary>Rows as token ids with their labels; tokenised once, before the first epoch.</summary>
internal sealed record TokenizedRows(TokenizedText[] Texts, float[] Labels)
{
    public int Count => Texts.Length;

    /// <summary>How many texts were cut.</summary>
    public int Truncated => Texts.Count(text => text.Truncated);

    public static TokenizedRows Create(PretrainedModel backbone, LabeledTexts rows, int maxTokens, Action checkCancelled)
    {
        var texts = new TokenizedText[rows.Count];
        for (int row = 0; row < texts.Length; row++)
        {
            if (row % 1000 == 0)
                checkCancelled();
            texts[row] = backbone.Words.Encode(rows.Texts[row], rows.SecondTexts?[row], maxTokens);
        }
        return new TokenizedRows(texts, [.. rows.Labels]);
    }

    public TokenizedRows Select(IReadOnlyList<int> rows) =>
        new([.. rows.Select(row => Texts[row])], [.. rows.Select(row => Labels[row])]);

    public TokenizedRows Concat(TokenizedRows others) => new([.. Texts, .. others.Texts], [.. Labels, .. others.Labels]);

    /// <summary>Tells these rows from others with any other token, label or order.</summary>
    public string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in Texts)
            hash.AppendData(MemoryMarshal.AsBytes<int>([text.Ids.Count, .. text.Ids, .. text.TypeIds]));
        hash.AppendData(MemoryMarshal.AsBytes<float>(Labels));
        return $"{Count} rows, SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}";
    }

    /// <summary>A padded batch of the given rows, and their labels.</summary>
    public (TokenBatch Batch, float[] Labels) Batch(int[] rows, Backbone transformer) =>
        (TokenBatch.Create([.. rows.Select(row => Texts[row])], transformer.PaddingId, transformer.Device), [.. rows.Select(row => Labels[row])]);
}
