using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>
/// NFC, NFD, NFKC or NFKD. The runtime's tables give the normalized text; which old character each new one comes from is
/// found by decomposing both sides, segment by segment, where a segment is a starter and what may combine with it.
/// </summary>
internal sealed class UnicodeNormalizer(NormalizationForm form) : INormalizer
{
    // A noncharacter that combines with nothing, and that the runtime refuses to normalize.
    private const char Refused = '\uFFFE';

    private readonly NormalizationForm _decomposed =
        form is NormalizationForm.FormC or NormalizationForm.FormD ? NormalizationForm.FormD : NormalizationForm.FormKD;

    public AlignedText Normalize(AlignedText text)
    {
        if (!text.Chars.Contains(Refused) && text.Chars.IsNormalized(form))
            return text;

        List<RuneEdit> edits = new(text.Length);
        List<RuneEdit> pieces = [];
        int segmentStart = 0;
        int index = 0;
        foreach (Rune rune in text.Chars.EnumerateRunes())
        {
            string decomposed = Decompose(rune);
            bool followsRefused = index > 0 && text.Chars[index - 1] == Refused;
            if (followsRefused || IsBoundary(Characters.RuneAt(decomposed, 0)))
            {
                AddSegment(edits, text.Chars[segmentStart..index], pieces);
                pieces.Clear();
                segmentStart = index;
            }
            int change = 0;
            foreach (Rune piece in decomposed.EnumerateRunes())
            {
                pieces.Add(new RuneEdit(piece, change));
                change = 1;
            }
            index += rune.Utf16SequenceLength;
        }
        AddSegment(edits, text.Chars[segmentStart..], pieces);
        return RuneEdit.Apply(text, edits);
    }

    private string Decompose(Rune rune) =>
        rune.IsAscii || rune.Value == Refused ? rune.ToString() : rune.ToString().Normalize(_decomposed);

    /// <summary>Whether nothing before this character can combine or be reordered with it.</summary>
    private static bool IsBoundary(Rune rune) =>
        rune.IsAscii || !(Characters.IsMark(rune) || rune.Value is >= 0x1160 and <= 0x11FF);

    /// <summary>
    /// Adds the normalized segment. Each of its characters takes up the first unused pieces that it decomposes to: pieces
    /// of equal value keep their order when marks are reordered, so the first is the right one.
    /// </summary>
    private void AddSegment(List<RuneEdit> edits, ReadOnlySpan<char> segment, List<RuneEdit> pieces)
    {
        if (pieces.Count == 1)
        {
            edits.Add(pieces[0]);
            return;
        }
        Dictionary<Rune, Queue<int>> unused = pieces
            .GroupBy(piece => piece.Rune, piece => piece.Change)
            .ToDictionary(group => group.Key, group => new Queue<int>(group));
        foreach (Rune rune in segment.ToString().Normalize(form).EnumerateRunes())
        {
            int change = 1;
            foreach (Rune piece in rune.ToString().Normalize(NormalizationForm.FormD).EnumerateRunes())
                change += unused[piece].Dequeue() - 1;
            edits.Add(new RuneEdit(rune, change));
        }
    }
}
