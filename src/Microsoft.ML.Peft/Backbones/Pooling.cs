namespace Microsoft.ML.Peft;

/// <summary>How a frozen model's hidden states `[B, T, D]` become one vector per text `[B, D]` for the head.</summary>
public enum Pooling
{
    /// <summary>What the model's own `1_Pooling/config.json` says (sentence-transformers), else <see cref="HuggingFace"/>.</summary>
    Auto,

    /// <summary>The mean over the real tokens of the text, virtual tokens left out; then a linear head.</summary>
    Mean,

    /// <summary>The hidden state of the text's first token ([CLS]); then a linear head. For encoders only.</summary>
    Cls,

    /// <summary>
    /// Exactly what Hugging Face's `AutoModelForSequenceClassification` computes for the model's family, so that the
    /// whole adapter, head included, gives the same logits there: the first position of an encoder, the last token of a decoder.
    /// </summary>
    HuggingFace,
}
