using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>A trial's training to repeat on training and validation rows together.</summary>
/// <param name="Configuration">The trial's.</param>
/// <param name="Seed">The trial's.</param>
/// <param name="Report">What the trial has told about its training.</param>
/// <param name="CheckpointDirectory">Its own, for what it needs to go on after an interruption.</param>
/// <param name="ResultDirectory">For the adapter and the model.</param>
internal sealed record RefitRequest(Configuration Configuration, int Seed, TrialReport Report, string CheckpointDirectory, string ResultDirectory);
