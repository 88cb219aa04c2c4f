namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Normalizers one after another; none at all leaves the text alone.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<INormalizer> steps) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        foreach (INormalizer step in steps)
            text = step.Normalize(text);
        return text;
    }
}
