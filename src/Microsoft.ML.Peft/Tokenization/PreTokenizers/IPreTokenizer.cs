namespace Microsoft.ML.Peft.Tokenization.PreTokenizers;

/// <summary>Splits a text into the pieces that the model tokenizes one by one.</summary>
internal interface IPreTokenizer
{
    /// <summary>Adds the pieces of the text, none of them empty, to <paramref name="pieces"/>.</summary>
    void Split(AlignedText text, List<AlignedText> pieces);
}
