namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Pre-tokenizers one after another; none at all leaves the text in one piece.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<IPreTokenizer> steps) : IPreTokenizer
{
    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        List<AlignedText> current = [text];
        foreach (IPreTokenizer step in steps)
        {
            List<AlignedText> next = [];
            foreach (AlignedText piece in current)
                step.Split(piece, next);
            current = next;
        }
        pieces.AddRange(current);
    }
}
