using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>A line of a search's log: all that a search knows is what these say.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(SearchOpened), "opened")]
[JsonDerivedType(typeof(TrialStarted), "started")]
[JsonDerivedType(typeof(TrialEpoch), "epoch")]
[JsonDerivedType(typeof(TrialReported), "reported")]
[JsonDerivedType(typeof(TrialFailed), "failed")]
[JsonDerivedType(typeof(TrialRefitted), "refitted")]
internal abstract record SearchEvent
{
    /// <summary>Seconds that the search had been running, interruptions left out.</summary>
    public double Elapsed { get; init; }
}

/// <summary>The search's settings, by name: another search must not go on with this log.</summary>
internal sealed record SearchOpened(IReadOnlyDictionary<string, string> Settings, int Seed) : SearchEvent;

/// <summary>A trial begins, or goes on to another rung. A baseline has no options, but a model.</summary>
internal sealed record TrialStarted(int Trial, string Method, string? BaselineModel, Dictionary<string, JsonElement>? Options, int Seed, int Rung, int Epochs) : SearchEvent;

internal sealed record TrialEpoch(int Trial, PeftEpoch Epoch) : SearchEvent;

internal sealed record TrialReported(int Trial, TrialReport Report, double? PeakMemoryInMegaByte) : SearchEvent;

internal sealed record TrialFailed(int Trial, PeftTrialFailure Failure) : SearchEvent;

/// <summary>A trial's model is now that of a training on all rows.</summary>
internal sealed record TrialRefitted(int Trial, long AdapterBytes) : SearchEvent;
