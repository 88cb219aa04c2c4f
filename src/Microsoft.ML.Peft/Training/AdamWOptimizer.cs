using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// AdamW (Loshchilov and Hutter 2017) with one learning rate for the soft prompt and one for the head, both scaled by the
/// schedule, and the gradient of both together clipped by its norm.
/// </summary>
internal sealed class AdamWOptimizer : IDisposable
{
    private readonly Trainee _trainee;
    private readonly AdamW _optimizer;
    private readonly (optim.ILearningRateController Group, double Rate)[] _groups;
    private readonly double _maxGradientNorm;

    public AdamWOptimizer(Trainee trainee, double learningRate, double headLearningRate, double weightDecay, double maxGradientNorm)
    {
        _trainee = trainee;
        _maxGradientNorm = maxGradientNorm;
        _optimizer = optim.AdamW(
            [
                new AdamW.ParamGroup(trainee.SoftPrompt.Parameters.Values, lr: learningRate, weight_decay: weightDecay),
                new AdamW.ParamGroup(trainee.Head.Parameters.Values, lr: headLearningRate, weight_decay: weightDecay),
            ]);
        _groups = [.. _optimizer.ParamGroups.Zip([learningRate, headLearningRate])];
    }

    /// <summary>One update along <paramref name="loss"/>'s gradient.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="factor">What the schedule makes of the learning rates.</param>
    public void Step(Tensor loss, double factor)
    {
        foreach (var (group, rate) in _groups)
            group.LearningRate = rate * factor;
        _optimizer.zero_grad();
        loss.backward();
        if (double.IsFinite(_maxGradientNorm))
            nn.utils.clip_grad_norm_(_trainee.Parameters, _maxGradientNorm);
        _optimizer.step();
    }

    public void Dispose() => _optimizer.Dispose();
}
