using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.Peft;

/// <summary>
/// Options of P-tuning: virtual tokens produced by a small network, which is applied once and thrown away when training ends
/// (Liu et al. 2021, "GPT Understands, Too"). The default learning rate is 0.003.
/// </summary>
public sealed class PTuningOptions : SoftPromptOptions
{
    /// <summary>The network. Default <see cref="PromptEncoder.Mlp"/>.</summary>
    [Choice(new object[] { PromptEncoder.Mlp, PromptEncoder.Lstm })]
    public PromptEncoder Encoder { get; set; } = PromptEncoder.Mlp;

    /// <summary>The network's hidden size, at least 1. Default null: the size of the model's token embeddings.</summary>
    public int? EncoderHiddenSize { get; set; }

    /// <summary>Layers of the LSTM, at least 1; the MLP always has three. Default 2.</summary>
    public int EncoderLayers { get; set; } = 2;

    /// <summary>Dropout between the LSTM's layers, 0 to 1. Default 0.</summary>
    public double EncoderDropout { get; set; }

    /// <summary>
    /// The text whose embeddings the network's output is added to, so that training starts from real tokens. Default null: training texts.
    /// </summary>
    public string? InitializationText { get; set; }

    internal override MethodSettings ToMethodSettings()
    {
        OptionChecks.Defined(nameof(Encoder), Encoder);
        OptionChecks.AtLeast(nameof(EncoderHiddenSize), EncoderHiddenSize, 1);
        OptionChecks.AtLeast(nameof(EncoderLayers), EncoderLayers, 1);
        OptionChecks.Between(nameof(EncoderDropout), EncoderDropout, 0, 1);
        OptionChecks.NullOrNotEmpty(nameof(InitializationText), InitializationText);
        return new PTuningSettings(VirtualTokens)
        {
            Encoder = Encoder,
            EncoderHiddenSize = EncoderHiddenSize,
            EncoderLayers = EncoderLayers,
            EncoderDropout = EncoderDropout,
            InitializationText = InitializationText,
        };
    }
}
