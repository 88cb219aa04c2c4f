namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Drops white space at the ends of a text.</summary>
internal sealed class StripNormalizer(bool left, bool right) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<char> chars = text.Chars;
        int start = left ? chars.Length - chars.TrimStart().Length : 0;
        int end = right ? chars.TrimEnd().Length : chars.Length;
        return text.Slice(start, Math.Max(0, end - start));
    }
}
