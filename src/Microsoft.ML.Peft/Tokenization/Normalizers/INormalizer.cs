namespace Microsoft.ML.Peft.Tokenization.Normalizers;

/// <summary>Rewrites a text before it is split into words.</summary>
internal interface INormalizer
{
    AlignedText Normalize(AlignedText text);
}
