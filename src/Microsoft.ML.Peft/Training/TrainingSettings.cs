using System.Text.Json.Serialization;

namespace Microsoft.ML.Peft.Training;

/// <summary>The training loop's own settings; the public options classes document each.</summary>
internal sealed record TrainingSettings
{
    /// <summary>The usual batch of a trained head: many rows, each with one answer.</summary>
    public const int HeadBatchSize = 32;

    /// <summary>The usual batch where a language model's own output layer answers: each row has many answers, and steps count more than rows.</summary>
    public const int LanguageModelBatchSize = 4;

    /// <summary>How many epochs a head is trained where nobody says it, and the steps that they must come to: else there are more.</summary>
    public static (int Epochs, int LeastSteps) HeadLength => (5, 300);

    /// <summary>The same where a language model's own output layer answers.</summary>
    public static (int Epochs, int LeastSteps) LanguageModelLength => (1, 80);

    public int? MaxTokens { get; init; }
    public Pooling Pooling { get; init; } = Pooling.Auto;
    public int? MaxEpochs { get; init; }
    public int BatchSize { get; init; } = HeadBatchSize;
    public double? LearningRate { get; init; }
    public double HeadLearningRate { get; init; } = 1e-2;
    public double WeightDecay { get; init; }
    public double LabelSmoothing { get; init; } = 0.1;
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Linear;
    public double WarmUpFraction { get; init; } = 0.06;
    public double MaxGradientNorm { get; init; } = 1;
    public double ValidationFraction { get; init; } = 0.1;
    public int? Patience { get; init; }
    public string? InitialAdapter { get; init; }

    /// <summary>What logits are multiplied by in the end where no validation rows tell it: that of the same training with such rows.</summary>
    public double InverseTemperature { get; init; } = 1;

    public int Seed { get; init; }
    public string? PromptTemplate { get; init; }
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>Larger batches are computed in parts, see <see cref="MicroBatches"/>; null for <see cref="MicroBatches.UsualTokens"/>.</summary>
    public int? MicroBatchTokens { get; init; }

    /// <summary>Whether a batch that memory does not suffice for is computed in smaller parts, rather than being an error.</summary>
    [JsonIgnore]    // Changes nothing but what would have been an error.
    public bool SplitsToFit { get; init; }

    public bool GradientCheckpointing { get; init; }

    /// <summary>The label names in class order, where known: for label word initialisation and the saved adapter.</summary>
    public IReadOnlyList<string>? LabelNames { get; init; }

    /// <summary>The words that a language model scores each class by, in class order; null for a trained head.</summary>
    public IReadOnlyList<string>? LabelWords { get; init; }
}
