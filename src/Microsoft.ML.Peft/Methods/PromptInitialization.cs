namespace Microsoft.ML.Peft;

/// <summary>How the virtual tokens of prompt tuning start (Lester et al. 2021, section 3.2).</summary>
public enum PromptInitialization
{
    /// <summary>Uniform random numbers in ±<see cref="PromptTuningOptions.InitializationRange"/>.</summary>
    RandomUniform,

    /// <summary>The embeddings of different tokens drawn at random from the model's vocabulary, special tokens left out.</summary>
    SampledVocabulary,

    /// <summary>
    /// The embeddings of a text's tokens, repeated or cut to the number of virtual tokens:
    /// <see cref="PromptTuningOptions.InitializationText"/>, or training texts where that is null.
    /// </summary>
    Text,

    /// <summary>The embeddings of the label names' tokens, repeated or cut to the number of virtual tokens.</summary>
    LabelWords,
}
