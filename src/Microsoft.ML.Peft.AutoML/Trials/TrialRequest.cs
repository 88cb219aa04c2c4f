using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>A trial to run up to an epoch.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Configuration">What it tries.</param>
/// <param name="Seed">Of all that is random in it.</param>
/// <param name="Epochs">The epoch to stop after, counted from its beginning.</param>
/// <param name="MaxEpochs">The epochs of a full training, which its learning rates follow from the beginning.</param>
/// <param name="CheckpointDirectory">Its own, for what it needs to go on; kept between its runs, but not made yet.</param>
/// <param name="ResultDirectory">This rung's own: for the adapter and the model.</param>
internal sealed record TrialRequest(int Id, Configuration Configuration, int Seed, int Epochs, int MaxEpochs, string CheckpointDirectory, string ResultDirectory)
{
    public const string AdapterName = "adapter";
    public const string ModelName = "model.zip";
}
