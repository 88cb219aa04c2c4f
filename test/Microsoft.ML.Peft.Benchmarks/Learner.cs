using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>What is trained in a measurement.</summary>
/// <param name="Task">The library's own task, which frees the soft prompt and the head.</param>
/// <param name="SoftPrompt">The soft prompt.</param>
/// <param name="Head">The head; null where the language model itself answers.</param>
/// <param name="Initializer">What the soft prompt draws from, in training too.</param>
internal sealed record Learner(TrainingTask Task, SoftPrompt SoftPrompt, SequenceHead? Head, Initializer Initializer) : IDisposable
{
    public void Dispose()
    {
        Task.Dispose();
        Initializer.Dispose();
    }
}
