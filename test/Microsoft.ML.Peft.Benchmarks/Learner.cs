using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>What is trained in a measurement.</summary>
/// <param name="Task">The library's own task, which frees the rest.</param>
/// <param name="SoftPrompt">The soft prompt.</param>
/// <param name="Head">The head; null where the language model itself answers.</param>
internal sealed record Learner(TrainingTask Task, SoftPrompt SoftPrompt, SequenceHead? Head) : IDisposable
{
    public void Dispose() => Task.Dispose();
}
