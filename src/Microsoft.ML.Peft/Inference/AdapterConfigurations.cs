using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Methods;

namespace Microsoft.ML.Peft.Inference;

/// <summary>Describes a trained method as Hugging Face PEFT does, so that it loads there.</summary>
internal static class AdapterConfigurations
{
    /// <param name="method">The method.</param>
    /// <param name="backbone">What it was trained on.</param>
    /// <param name="head">How the trained head pools; null for language modelling, which has none.</param>
    public static AdapterConfiguration Create(MethodSettings method, PretrainedModel backbone, Pooling? head)
    {
        var shape = backbone.Configuration;
        var configuration = method switch
        {
            // The text or vocabulary that a prompt started from is no longer needed; RANDOM asks Hugging Face for no tokenizer.
            PromptTuningSettings => new AdapterConfiguration(PeftType.PromptTuning),
            PrefixTuningSettings prefix => new AdapterConfiguration(PeftType.PrefixTuning)
            {
                PrefixProjection = prefix.Projection,
                EncoderHiddenSize = prefix.Projection ? prefix.ProjectionHiddenSize ?? shape.HiddenSize : null,
            },
            PTuningSettings pTuning => new AdapterConfiguration(PeftType.PTuning)
            {
                EncoderReparameterizationType = pTuning.Encoder == PromptEncoder.Lstm ? "LSTM" : "MLP",
                EncoderHiddenSize = pTuning.EncoderHiddenSize ?? shape.EmbeddingSize,
                EncoderNumLayers = pTuning.EncoderLayers,
                EncoderDropout = pTuning.EncoderDropout,
            },
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, null),
        };
        bool prefixes = method is PrefixTuningSettings;
        configuration.TaskType = head is not null ? "SEQ_CLS" : shape is EncoderDecoderConfiguration ? AdapterConfiguration.SequenceToSequence : "CAUSAL_LM";
        configuration.BaseModelNameOrPath = backbone.Hub?.Repository ?? backbone.Name;
        configuration.Revision = backbone.Hub?.Revision;
        configuration.NumVirtualTokens = method.VirtualTokens;
        // A prefix reaches the decoder only; the others are in front of the encoder.
        configuration.NumLayers = shape is EncoderDecoderConfiguration { EncoderLayers: var encoderLayers } && !prefixes ? encoderLayers : shape.Layers;
        configuration.NumAttentionHeads = prefixes ? shape.KeyValueHeads : shape.Heads;
        configuration.TokenDim = prefixes ? shape.KeyValueHeads * shape.HeadSize : shape.EmbeddingSize;
        configuration.NumTransformerSubmodules = backbone.Frozen.Backbone.Submodules;
        // What Hugging Face cannot express lies in our own files, and must not be looked for in the adapter's.
        configuration.ModulesToSave = head == Pooling.HuggingFace ? ["classifier", "score"] : null;
        return configuration;
    }
}
