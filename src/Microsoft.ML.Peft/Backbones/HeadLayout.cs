namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// A head for sequence classification: (frozen pooler with tanh) → (trained dense layer with activation) → trained
/// output layer. Names as in Hugging Face's files, without `.weight` and `.bias`.
/// </summary>
/// <param name="Output">The output layer.</param>
/// <param name="UsesPooler">Whether a frozen pooler stands before it.</param>
/// <param name="Dense">A trained layer before it, or null.</param>
/// <param name="DenseActivation">What follows that layer.</param>
/// <param name="ReadsLastToken">Whether the head reads a row's last token, as a decoder's must, instead of the first position.</param>
/// <param name="OutputBias">Whether the output layer has a bias.</param>
internal sealed record HeadLayout(
    string Output, bool UsesPooler = false, string? Dense = null, Activation DenseActivation = Activation.Tanh, bool ReadsLastToken = false, bool OutputBias = true)
{
    /// <summary>One linear layer on a pooled vector: the head of <see cref="Pooling.Mean"/> and <see cref="Pooling.Cls"/>.</summary>
    public static HeadLayout Linear { get; } = new("classifier");

    /// <summary>Hugging Face's head on decoders.</summary>
    public static HeadLayout Decoder { get; } = new("score", ReadsLastToken: true, OutputBias: false);
}
