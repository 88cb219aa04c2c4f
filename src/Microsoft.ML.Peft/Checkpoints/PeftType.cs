namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>The kinds of adapters that can be read and written, as Hugging Face PEFT calls them.</summary>
internal enum PeftType
{
    /// <summary>PROMPT_TUNING: trained vectors in front of the input embeddings.</summary>
    PromptTuning,

    /// <summary>PREFIX_TUNING: trained keys and values in front of every layer's own.</summary>
    PrefixTuning,

    /// <summary>P_TUNING: vectors in front of the input embeddings, trained through an encoder.</summary>
    PTuning,

    /// <summary>CARTRIDGE: keys and values as in <see cref="PrefixTuning"/>, trained as they are, the first of them fixed (Eyuboglu et al. 2025).</summary>
    Cartridge,
}
