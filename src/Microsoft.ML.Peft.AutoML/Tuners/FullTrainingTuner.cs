namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>Trains every proposal to the end.</summary>
internal sealed class FullTrainingTuner(ISampler sampler, int epochs) : ITuner
{
    public string Description => sampler.Description;

    public IReadOnlyList<int> Rungs { get; } = [epochs];

    public Assignment? Next(SearchHistory history, bool mayStart)
        => mayStart && sampler.Propose(history) is { } configuration ? new Assignment(configuration, null) : null;

    public Assignment? Finish(SearchHistory history) => null;
}
