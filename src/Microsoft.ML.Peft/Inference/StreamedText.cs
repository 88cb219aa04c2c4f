using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// Turns tokens that arrive one by one into text that can be shown: never half a character, nothing that may still become a stop
/// string, and nothing behind one.
/// </summary>
internal sealed class StreamedText(HuggingFaceTokenizer tokenizer, IReadOnlyList<string> stopStrings)
{
    private const char Incomplete = '\uFFFD';

    private int _shown;

    /// <summary>Whether a stop string was written.</summary>
    public bool Stopped { get; private set; }

    /// <summary>The text of all tokens so far that has not been shown yet.</summary>
    /// <param name="tokens">All tokens so far.</param>
    /// <param name="last">Whether no more follow.</param>
    public string Advance(IReadOnlyList<int> tokens, bool last)
    {
        string text = tokenizer.Decode(tokens, skipSpecialTokens: true);
        int end = text.Length;
        int stop = stopStrings.Select(stopString => text.IndexOf(stopString, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
        if (stop >= 0)
        {
            Stopped = true;
            end = stop;
        }
        else if (!last)
        {
            end = text.AsSpan().TrimEnd(Incomplete).Length;
            end -= stopStrings.Select(stopString => Begun(text.AsSpan(0, end), stopString)).DefaultIfEmpty(0).Max();
        }
        if (end <= _shown)
            return "";
        string fresh = text[_shown..end];
        _shown = end;
        return fresh;
    }

    /// <summary>How many characters at the text's end may be the start of a stop string.</summary>
    private static int Begun(ReadOnlySpan<char> text, string stopString)
    {
        for (int length = Math.Min(stopString.Length - 1, text.Length); length > 0; length--)
        {
            if (text.EndsWith(stopString.AsSpan(0, length), StringComparison.Ordinal))
                return length;
        }
        return 0;
    }
}
