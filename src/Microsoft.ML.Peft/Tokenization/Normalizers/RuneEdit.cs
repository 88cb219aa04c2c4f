using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>
/// A character of a rewritten text. <paramref name="Change"/> is 1 when it was inserted, 0 when it replaces one old
/// character, and -N when it replaces one and the N that follow it are gone.
/// </summary>
internal readonly record struct RuneEdit(Rune Rune, int Change)
{
    /// <summary>Rewrites a text, keeping for each new character the source of the old one that it replaces or follows.</summary>
    public static AlignedText Apply(AlignedText text, IReadOnlyList<RuneEdit> edits)
    {
        AlignedTextBuilder builder = new(text.Length);
        ReadOnlySpan<char> old = text.Chars;
        int index = 0;
        foreach ((Rune rune, int change) in edits)
        {
            int aligned = Math.Clamp(change > 0 ? index - 1 : index, 0, text.Length - 1);
            builder.Append(rune, text.Sources[aligned]);
            for (int used = change; used <= 0 && index < old.Length; used++)
                index += Characters.RuneAt(old, index).Utf16SequenceLength;
        }
        return builder.Build();
    }
}
