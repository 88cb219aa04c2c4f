using Microsoft.ML.Peft.Tokenization.Normalizers;

namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Makes spaces visible, puts one first, and splits before each.</summary>
internal sealed class MetaspacePreTokenizer(MetaspaceOptions options) : IPreTokenizer
{
    private readonly ReplaceNormalizer _replace = new(TextPattern.FromLiteral(" "), options.Replacement.ToString());
    private readonly PrependNormalizer _prepend = new(options.Replacement.ToString());
    private readonly SplitPreTokenizer _split = new(
        TextPattern.FromLiteral(options.Replacement.ToString()), SplitBehavior.MergedWithNext, invert: false);

    public void Split(AlignedText text, List<AlignedText> pieces)
    {
        if (text.IsEmpty)
            return;
        text = _replace.Normalize(text);
        bool isFirst = text.Sources[0].Start == 0;
        if ((isFirst ? options.PrependsFirst : options.PrependsLater) && !text.Chars.StartsWith(options.Replacement))
            text = _prepend.Normalize(text);
        if (options.Split)
            _split.Split(text, pieces);
        else
            pieces.Add(text);
    }
}
