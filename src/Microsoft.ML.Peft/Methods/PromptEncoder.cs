namespace Microsoft.ML.Peft;

/// <summary>The network that produces the virtual tokens of P-tuning (Liu et al. 2021) while training.</summary>
public enum PromptEncoder
{
    /// <summary>Three linear layers with two ReLUs between them.</summary>
    Mlp,

    /// <summary>A bidirectional LSTM, then a linear layer, a ReLU and a linear layer.</summary>
    Lstm,
}
