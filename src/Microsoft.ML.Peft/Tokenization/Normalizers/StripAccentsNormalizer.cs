namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Drops combining marks; a decomposition goes before it.</summary>
internal sealed class StripAccentsNormalizer : INormalizer
{
    public AlignedText Normalize(AlignedText text) => RuneFilter.Where(text, rune => !Characters.IsMark(rune));
}
