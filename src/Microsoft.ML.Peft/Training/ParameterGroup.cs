using TorchSharp.Modules;

namespace Microsoft.ML.Peft.Training;

/// <summary>Parameters that are trained at one learning rate.</summary>
/// <param name="Name">Tells the groups of a task apart in a saved state.</param>
/// <param name="Parameters">The parameters by name, in an order that does not change.</param>
/// <param name="LearningRate">The highest learning rate, which the schedule scales.</param>
/// <param name="LearningRateOption">The option that sets it, for messages.</param>
internal sealed record ParameterGroup(string Name, IReadOnlyDictionary<string, Parameter> Parameters, double LearningRate, string LearningRateOption);
