using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>A trial as it stood at one moment. It holds paths, not models; <see cref="LoadModel"/> loads the model.</summary>
public sealed record PeftTrialResult
{
    internal PeftTrialResult() { }

    /// <summary>Its number, from 0. The baselines come first.</summary>
    public required int TrialId { get; init; }

    /// <summary>The method's name; for a baseline `linear probe` (classification, regression) or `frozen model` (generation).</summary>
    public required string Method { get; init; }

    /// <summary>Whether it is a baseline: what the frozen model achieves without a soft prompt.</summary>
    public required bool IsBaseline { get; init; }

    /// <summary>The searched options with their values, by name: numbers, texts, truth values, enumerations, or null for an option's own default.</summary>
    public required IReadOnlyDictionary<string, object?> Parameters { get; init; }

    /// <summary>All options, to train the same again: an instance of the method's options class. Null for a baseline.</summary>
    public required SoftPromptOptions? Options { get; init; }

    /// <summary>The seed of all that is random in it.</summary>
    public required int Seed { get; init; }

    /// <summary>Where it stands.</summary>
    public required PeftTrialStatus Status { get; init; }

    /// <summary>Why it failed; null unless <see cref="Status"/> is <see cref="PeftTrialStatus.Failed"/>.</summary>
    public required PeftTrialFailure? Failure { get; init; }

    /// <summary>The rung that it has reached, from 0; -1 before the first.</summary>
    public required int Rung { get; init; }

    /// <summary>The epochs trained so far.</summary>
    public required int Epochs { get; init; }

    /// <summary>
    /// The metric that the experiment optimises, on the validation rows, of the best epoch by accuracy, R² or loss; NaN before the first rung.
    /// </summary>
    public required double Metric { get; init; }

    /// <summary>All metrics on the validation rows by name, of the best epoch; empty before the first rung.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>The time trained so far.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>
    /// Whether its model and adapter are those of a training on training and validation rows together, see <see cref="PeftExperiment.SetRefit"/>.
    /// The metrics are then still those of the training on the training rows alone.
    /// </summary>
    public required bool IsRefit { get; init; }

    /// <summary>The size of the adapter's files in bytes; 0 for a baseline.</summary>
    public required long AdapterBytes { get; init; }

    /// <summary>The time of a prediction in milliseconds per text, measured on the validation rows.</summary>
    public required double MillisecondsPerText { get; init; }

    /// <summary>
    /// The most memory in megabytes by which the process outgrew what it held before its trials, shared among trials running at the same
    /// time; null where it was not observed.
    /// </summary>
    public required double? PeakMemoryInMegaByte { get; init; }

    /// <summary>What it had achieved at each rung that it reached, from the lowest.</summary>
    public required IReadOnlyList<PeftRungResult> RungResults { get; init; }

    /// <summary>The epochs so far.</summary>
    public required IReadOnlyList<PeftEpoch> LearningCurve { get; init; }

    /// <summary>The adapter's directory, in the layout of Hugging Face PEFT; null for a baseline, or before the first rung.</summary>
    public required string? AdapterPath { get; init; }

    /// <summary>The model as ML.NET saves it; null for a baseline, or before the first rung.</summary>
    public required string? ModelPath { get; init; }

    /// <summary>
    /// <see cref="Options"/> as C# to paste into a program, such as `new PrefixTuningOptions { ... }`: what differs from the defaults, in round-trip form.
    /// It needs `using Microsoft.ML.Peft;`.
    /// </summary>
    /// <remarks>
    /// The search's own rows are no part of it: set <see cref="SoftPromptOptions.ValidationSet"/> to its validation rows to train the same again, and
    /// <see cref="SoftPromptOptions.MaxEpochs"/> is that of a full training.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The trial is a baseline, which has no options.</exception>
    public string ToCSharp() => CSharpCode.Of(Options ?? throw new InvalidOperationException($"Trial {TrialId} ({Method}) is a baseline without soft prompt, and has no options."));

    /// <summary>Loads the trained model as an ML.NET transformer.</summary>
    /// <param name="mlContext">The context.</param>
    /// <exception cref="InvalidOperationException">The trial has no model: it is a baseline, or has not reached its first rung.</exception>
    /// <exception cref="FileNotFoundException">The file is gone.</exception>
    public ITransformer LoadModel(MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        string path = ModelPath ?? throw new InvalidOperationException(
            $"Trial {TrialId} ({Method}) has no model: {(IsBaseline ? "it is a baseline without soft prompt" : "it has not reached its first rung")}.");
        return File.Exists(path)
            ? mlContext.Model.Load(path, out _)
            : throw new FileNotFoundException($"The model of trial {TrialId} is gone: '{path}'. Run the search again in another directory.", path);
    }
}
