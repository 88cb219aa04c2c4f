using System.Text;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Inference;

/// <summary>The text of a <see cref="Inference.Writing"/>, which a stop string ends.</summary>
internal sealed class WritingText
{
    private readonly StreamedText _stream;
    private readonly StringBuilder _pieces = new();
    private readonly Action<string>? _show;

    /// <param name="words">The tokenizer.</param>
    /// <param name="writing">The tokens as they come.</param>
    /// <param name="stopStrings">What ends the text.</param>
    /// <param name="show">Is given each piece but the last as it comes, on the thread that writes; null where only the whole text is wanted.</param>
    public WritingText(HuggingFaceTokenizer words, Writing writing, IReadOnlyList<string> stopStrings, Action<string>? show)
    {
        (Writing, _stream, _show) = (writing, new StreamedText(words, stopStrings), show);
        if (show is not null || stopStrings.Count > 0)
            writing.Advanced = Advance;
    }

    public Writing Writing { get; }

    /// <summary>Whether the text came to its end, by an end token or a stop string.</summary>
    public bool HasEnded => _stream.Stopped || Writing.HasEnded;

    /// <summary>What is left to show at the end: the last piece, or the whole text where no piece was shown.</summary>
    public string End() => (_show is null ? _pieces.ToString() : "") + (_stream.Stopped ? "" : _stream.Advance(Writing.Written, last: true));

    private void Advance()
    {
        string piece = _stream.Advance(Writing.Written, last: false);
        if (_show is null)
            _pieces.Append(piece);
        else if (piece.Length > 0)
            _show(piece);
        if (_stream.Stopped)
            Writing.Stop();
    }
}
