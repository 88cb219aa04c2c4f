using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// AdamW: Adam (Kingma and Ba 2015) with the weight decay beside the gradient instead of in it (Loshchilov and Hutter 2019,
/// algorithm 2). The gradient of all groups together is clipped by its norm first (Pascanu et al. 2013).
/// </summary>
internal sealed class AdamWOptimizer : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;
    private const double NormEpsilon = 1e-6;

    private readonly double _weightDecay;
    private readonly double _maxGradientNorm;
    private readonly Entry[] _entries;

    public AdamWOptimizer(IEnumerable<ParameterGroup> groups, double weightDecay, double maxGradientNorm)
    {
        _weightDecay = weightDecay;
        _maxGradientNorm = maxGradientNorm;
        _entries =
        [
            .. from @group in groups
               from parameter in @group.Parameters
               select new Entry($"{@group.Name}.{parameter.Key}", parameter.Value, @group.LearningRate, Zeros(parameter.Value), Zeros(parameter.Value)),
        ];
    }

    /// <summary>Updates made so far, t in the paper; set to go on where another optimiser stopped.</summary>
    public int Steps { get; set; }

    /// <summary>The running means of the gradients and of their squares, by name: with <see cref="Steps"/>, all that steps depend on besides the parameters.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> Moments => _entries.SelectMany<Entry, KeyValuePair<string, Tensor>>(
        entry => [new($"first_moment.{entry.Name}", entry.First), new($"second_moment.{entry.Name}", entry.Second)]);

    /// <summary>One update along the gradients that backward passes have summed up, which are zero afterwards.</summary>
    /// <param name="factor">What the schedule makes of the learning rates, η in the paper.</param>
    public void Step(double factor)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        ClipGradients();
        Steps++;
        // A native scalar must outlive the calls that it is passed to, or the garbage collector frees it under them.
        using Scalar beta1 = Beta1, beta2 = Beta2, rest1 = 1 - Beta1, rest2 = 1 - Beta2, epsilon = Epsilon, one = 1.0;
        using Scalar correction2 = Math.Sqrt(1 - Math.Pow(Beta2, Steps));
        foreach (var (_, parameter, learningRate, first, second) in _entries)
        {
            if (parameter.grad is not { } gradient)
                continue;
            double rate = learningRate * factor;
            using Scalar step = -rate / (1 - Math.Pow(Beta1, Steps)), kept = 1 - rate * _weightDecay;
            first.mul_(beta1).add_(gradient, rest1);                                    // m
            second.mul_(beta2).addcmul_(gradient, gradient, rest2);                     // v
            var root = second.sqrt().div_(correction2).add_(epsilon, one);              // √v̂ + ε
            if (_weightDecay != 0)
                parameter.mul_(kept);
            parameter.addcdiv_(first, root, step);
            gradient.zero_();
        }
    }

    /// <summary>Forgets what backward passes have summed up since the last update.</summary>
    public void ClearGradients()
    {
        using var scope = NewDisposeScope();
        foreach (var entry in _entries)
            entry.Parameter.grad?.zero_();
    }

    public void Dispose()
    {
        foreach (var entry in _entries)
        {
            entry.First.Dispose();
            entry.Second.Dispose();
        }
    }

    private void ClipGradients()
    {
        if (!double.IsFinite(_maxGradientNorm))
            return;
        Tensor[] gradients = [.. _entries.Select(entry => entry.Parameter.grad).OfType<Tensor>()];
        using Scalar most = _maxGradientNorm, epsilon = NormEpsilon, one = 1.0;
        var norm = stack(gradients.Select(gradient => gradient.norm()), 0).norm();
        var factor = full_like(norm, most).div_(norm.add(epsilon, one)).clamp_max_(one);
        foreach (var gradient in gradients)
            gradient.mul_(factor);
    }

    private static Tensor Zeros(Parameter parameter) => zeros_like(parameter, requires_grad: false).DetachFromDisposeScope();

    /// <summary>A parameter with the running means of its gradient (m) and of the gradient's square (v).</summary>
    private sealed record Entry(string Name, Parameter Parameter, double LearningRate, Tensor First, Tensor Second);
}
