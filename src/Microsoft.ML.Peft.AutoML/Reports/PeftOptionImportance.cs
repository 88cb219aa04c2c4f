namespace Microsoft.ML.Peft.AutoML;

/// <summary>How much the searched options mattered.</summary>
/// <param name="Method">The method whose trials were compared; null for those of all methods.</param>
/// <param name="Trials">The trials compared: those that reached the rung.</param>
/// <param name="Epochs">The epochs after which they were compared, at the rung that most trials reached; 0 if none did.</param>
/// <param name="Options">
/// By option the share of the trials' ranking that it alone explains, 0 to 1; over all methods the options that all of them have, and
/// `Method`. The shares need not add up to 1: what options do together, and chance, is left out. Empty if there are fewer than
/// <see cref="MinTrials"/> trials, or all are equally good.
/// </param>
/// <remarks>
/// A share is the first-order sensitivity index Var(E[rank | option]) / Var(rank) (Sobol' 1993; the main effects of functional ANOVA, Hutter et
/// al. 2014), estimated as the leave-one-out R² of a regression of the trials' ranks on the option alone: a Gaussian kernel (Nadaraya 1964,
/// Watson 1964; bandwidth by Silverman 1986) over the range on its own, possibly logarithmic scale, the mean of the other trials with the same
/// value for a choice. Leaving each trial out of its own prediction keeps options without effect near 0 where trials are few; ranks keep
/// a diverged trial from outweighing all others. Trials are compared at one rung, because those trained longer are better for that alone.
/// </remarks>
public sealed record PeftOptionImportance(string? Method, int Trials, int Epochs, IReadOnlyDictionary<string, double> Options)
{
    /// <summary>The fewest trials that a share is computed from, 10.</summary>
    public const int MinTrials = 10;
}
