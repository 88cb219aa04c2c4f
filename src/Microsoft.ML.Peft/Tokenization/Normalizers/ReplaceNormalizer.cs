namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Replaces what a pattern matches; the new text stands for the last character of the match.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        List<TextRange> matches = pattern.Matches(text.Chars);
        if (matches.Count == 0)
            return text;
        AlignedTextBuilder builder = new(text.Length);
        int previousEnd = 0;
        foreach (TextRange match in matches)
        {
            builder.Append(text.Slice(previousEnd, match.Start - previousEnd));
            builder.Append(content, text.Sources[Math.Max(0, match.End - 1)]);
            previousEnd = match.End;
        }
        builder.Append(text.Slice(previousEnd, text.Length - previousEnd));
        return builder.Build();
    }
}
