using System.Globalization;
using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>SentencePiece's normalization table: a grapheme, or else each of its characters, is replaced by an entry.</summary>
internal sealed class PrecompiledNormalizer(PrecompiledCharsMap map) : INormalizer
{
    private const int LongestGraphemeInBytes = 5;

    public static PrecompiledNormalizer Read(JsonObject json)
    {
        try
        {
            return new(new PrecompiledCharsMap(Convert.FromBase64String(json.Text("precompiled_charsmap"))));
        }
        catch (Exception e) when (e is FormatException or InvalidDataException)
        {
            throw json.Invalid($"has a 'precompiled_charsmap' that cannot be read: {e.Message}");
        }
    }

    public AlignedText Normalize(AlignedText text)
    {
        List<RuneEdit> edits = new(text.Length);
        bool modified = false;
        ReadOnlySpan<char> rest = text.Chars;
        while (!rest.IsEmpty)
        {
            int length = StringInfo.GetNextTextElementLength(rest);
            modified |= AddGrapheme(edits, rest[..length]);
            rest = rest[length..];
        }
        return modified ? RuneEdit.Apply(text, edits) : text;
    }

    private bool AddGrapheme(List<RuneEdit> edits, ReadOnlySpan<char> grapheme)
    {
        if (Encoding.UTF8.GetByteCount(grapheme) <= LongestGraphemeInBytes && map.Find(grapheme) is string whole)
        {
            Replace(edits, grapheme, whole);
            return true;
        }
        bool modified = false;
        foreach (Rune rune in grapheme.EnumerateRunes())
        {
            string character = rune.ToString();
            if (map.Find(character) is string replacement)
            {
                Replace(edits, character, replacement);
                modified = true;
            }
            else
            {
                edits.Add(new RuneEdit(rune, 0));
            }
        }
        return modified;
    }

    /// <summary>Surplus new characters count as inserted at the end; missing ones are taken off the last edit.</summary>
    private static void Replace(List<RuneEdit> edits, ReadOnlySpan<char> old, string replacement)
    {
        int oldCount = CountRunes(old);
        int newCount = 0;
        foreach (Rune rune in replacement.EnumerateRunes())
            edits.Add(new RuneEdit(rune, newCount++ < oldCount ? 0 : 1));
        if (newCount < oldCount && edits.Count > 0)
            edits[^1] = edits[^1] with { Change = edits[^1].Change + newCount - oldCount };
    }

    private static int CountRunes(ReadOnlySpan<char> text)
    {
        int count = 0;
        foreach (Rune _ in text.EnumerateRunes())
            count++;
        return count;
    }
}
