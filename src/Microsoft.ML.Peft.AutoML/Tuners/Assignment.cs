using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>What to run next: a paused trial up to the next rung or, without one, a new trial of this configuration.</summary>
internal sealed record Assignment(Configuration Configuration, Trial? Paused)
{
    /// <summary>The rung to run to. Kept, because the trial's own rung rises when it starts.</summary>
    public int Rung { get; } = Paused is null ? 0 : Paused.Rung + 1;
}
