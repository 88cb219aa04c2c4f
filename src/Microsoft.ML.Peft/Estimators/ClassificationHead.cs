namespace Microsoft.ML.Peft;

/// <summary>What turns a frozen model's answer into classes.</summary>
public enum ClassificationHead
{
    /// <summary>A head that is trained along with the soft prompt.</summary>
    Trained,

    /// <summary>
    /// The language model's own output layer, frozen: it scores the words of each label (Lester et al. 2021), see
    /// <see cref="SoftPromptOptions.LabelWords"/>. Nothing but the soft prompt is trained. For decoders.
    /// </summary>
    LabelWords,
}
