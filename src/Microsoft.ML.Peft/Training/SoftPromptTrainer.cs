using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;

namespace Microsoft.ML.Peft.Training;

/// <summary>Callbacks of a running training. All are called on the training thread.</summary>
/// <param name="Progress">After every step.</param>
/// <param name="Log">A line for the user's log.</param>
/// <param name="CheckCancelled">Before every step; throws <see cref="OperationCanceledException"/> to stop.</param>
internal sealed record TrainingObserver(Action<TrainingProgress> Progress, Action<string> Log, Action CheckCancelled);

/// <summary>Trains a soft prompt and a head on a frozen backbone.</summary>
internal static class SoftPromptTrainer
{
    public static (PeftModel Model, TrainingHistory History) Train(
        PretrainedModel backbone, MethodSettings method, PredictionTask task, int outputs,
        LabeledTexts train, LabeledTexts? validation, TrainingSettings settings, TrainingObserver observer)
        => throw new NotImplementedException();
}
