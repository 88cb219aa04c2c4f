using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.Peft;

/// <summary>
/// Options of prefix tuning: trained keys and values in every attention layer
/// (Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation"). The default learning rate is 0.03, with
/// <see cref="Projection"/> 0.001.
/// </summary>
public sealed class PrefixTuningOptions : SoftPromptOptions
{
    /// <summary>How the keys and values start. Default <see cref="PrefixInitialization.Text"/>.</summary>
    [Choice(new object[] { PrefixInitialization.Zeros, PrefixInitialization.Normal, PrefixInitialization.Text })]
    public PrefixInitialization Initialization { get; set; } = PrefixInitialization.Text;

    /// <summary>The text for <see cref="PrefixInitialization.Text"/>. Default null: training texts.</summary>
    public string? InitializationText { get; set; }

    /// <summary>
    /// Trains the prefix through an MLP (embedding → linear → tanh → linear) which is applied once and thrown away when training ends.
    /// Default false.
    /// </summary>
    [BooleanChoice(false)]
    public bool Projection { get; set; }

    /// <summary>The MLP's hidden size, at least 1. Default null: the model's hidden size.</summary>
    public int? ProjectionHiddenSize { get; set; }

    internal override MethodSettings ToMethodSettings()
    {
        OptionChecks.Defined(nameof(Initialization), Initialization);
        OptionChecks.NullOrNotEmpty(nameof(InitializationText), InitializationText);
        OptionChecks.AtLeast(nameof(ProjectionHiddenSize), ProjectionHiddenSize, 1);
        return new PrefixTuningSettings(VirtualTokens)
        {
            Initialization = Initialization,
            InitializationText = InitializationText,
            Projection = Projection,
            ProjectionHiddenSize = ProjectionHiddenSize,
        };
    }
}
