namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Puts a text before every text that is not empty; it shares the source of the first character.</summary>
internal sealed class PrependNormalizer(string prefix) : INormalizer
{
    public AlignedText Normalize(AlignedText text)
    {
        if (text.IsEmpty)
            return text;
        AlignedTextBuilder builder = new(text.Length + prefix.Length);
        builder.Append(prefix, text.Sources[0]);
        builder.Append(text);
        return builder.Build();
    }
}
