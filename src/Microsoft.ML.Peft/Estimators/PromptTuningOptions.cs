using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.Peft;

/// <summary>
/// Options of prompt tuning: trained embeddings in front of the input
/// (Lester et al. 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning"). The default learning rate is 0.03, in generation 0.05.
/// </summary>
public sealed class PromptTuningOptions : SoftPromptOptions
{
    /// <summary>How the virtual tokens start. Default <see cref="PromptInitialization.Text"/>.</summary>
    [Choice(new object[] { PromptInitialization.RandomUniform, PromptInitialization.SampledVocabulary, PromptInitialization.Text, PromptInitialization.LabelWords })]
    public PromptInitialization Initialization { get; set; } = PromptInitialization.Text;

    /// <summary>The text for <see cref="PromptInitialization.Text"/>. Default null: training texts.</summary>
    public string? InitializationText { get; set; }

    /// <summary>Bounds the random numbers of <see cref="PromptInitialization.RandomUniform"/>, above 0. Default 0.5.</summary>
    public double InitializationRange { get; set; } = 0.5;

    internal override MethodSettings ToMethodSettings()
    {
        OptionChecks.Defined(nameof(Initialization), Initialization);
        OptionChecks.NullOrNotEmpty(nameof(InitializationText), InitializationText);
        OptionChecks.Positive(nameof(InitializationRange), InitializationRange);
        return new PromptTuningSettings(VirtualTokens)
        {
            Initialization = Initialization,
            InitializationText = InitializationText,
            InitializationRange = InitializationRange,
        };
    }
}
