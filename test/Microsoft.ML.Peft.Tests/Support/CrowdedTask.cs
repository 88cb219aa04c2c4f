using System.Runtime.InteropServices;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A task on a machine whose memory suffices for a few tokens only: beyond, its loss fails as libtorch's allocator does.</summary>
/// <param name="task">The task; this one's from now on.</param>
/// <param name="mostTokens">The tokens that memory suffices for.</param>
internal sealed class CrowdedTask(TrainingTask task, int mostTokens) : TrainingTask
{
    /// <summary>How often memory did not suffice.</summary>
    public int Failures { get; private set; }

    public override IReadOnlyList<int> RowLengths => task.RowLengths;

    public override IReadOnlyList<ParameterGroup> Groups => task.Groups;

    public override Generator? Generator => task.Generator;

    public override bool HasValidation => task.HasValidation;

    public override string MetricName => task.MetricName;

    public override Backbone Backbone => task.Backbone;

    public override SoftPrompt SoftPrompt => task.SoftPrompt;

    public override Tensor Loss(int[] rows, Prompt prompt)
    {
        var loss = task.Loss(rows, prompt);
        if (rows.Sum(row => RowLengths[row]) <= mostTokens)
            return loss;
        Failures++;
        throw new ExternalException("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.");
    }

    public override ValidationResult Validate(Action checkCancelled) => task.Validate(checkCancelled);

    public override double Baseline(Action checkCancelled) => task.Baseline(checkCancelled);

    public override TrainingHistory History(IReadOnlyList<TrainingEpoch> epochs, int bestEpoch, ValidationResult? best, double? baseline) =>
        task.History(epochs, bestEpoch, best, baseline);

    public override void Dispose() => task.Dispose();
}
