using Microsoft.ML.Peft.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>Trains as Hugging Face's trainer does by default: batches drawn at random, each padded to its longest row.</summary>
internal sealed class NaiveTraining : IDisposable
{
    private readonly TrainingWork _work;
    private readonly PretrainedModel _backbone;
    private readonly NaiveModel _model;
    private readonly Learner _learner;
    private readonly AdamWOptimizer _optimizer;
    private readonly int[][] _batches;

    /// <param name="work">The rows and what is learnt on them.</param>
    /// <param name="backbone">The frozen model in 32-bit floats, this object's from now on.</param>
    public NaiveTraining(TrainingWork work, PretrainedModel backbone)
    {
        (_work, _backbone) = (work, backbone);
        _model = NaiveModel.Of(backbone);
        _learner = work.Start(backbone);
        _optimizer = new AdamWOptimizer(_learner.Task.Groups, work.Settings.WeightDecay, work.Settings.MaxGradientNorm);
        int[] rows = [.. Enumerable.Range(0, work.Lengths.Count)];
        new Random(work.Settings.Seed).Shuffle(rows);
        _batches = [.. rows.Chunk(work.Settings.BatchSize)];
    }

    /// <summary>Positions computed for each row: text and padding.</summary>
    public double PaddedTokensPerExample => _batches.Sum(rows => rows.Length * rows.Max(row => _work.Lengths[row])) / (double)_work.Lengths.Count;

    /// <summary>One step for each batch; gives the mean of their losses.</summary>
    public double RunEpoch()
    {
        double sum = 0;
        foreach (int[] rows in _batches)
        {
            using var scope = NewDisposeScope();
            var loss = _work.NaiveLoss(_model, _learner, rows);
            sum += loss.item<float>();
            loss.backward();
            _optimizer.Step(1);
        }
        return sum / _batches.Length;
    }

    /// <summary>Compares with the library over one batch, from the same values; nothing is trained by it.</summary>
    public NaiveDifference Compare()
    {
        using var scope = NewDisposeScope();
        int[] rows = _batches[0];
        var (expected, expectedGradient) = Backward(_work.NaiveLoss(_model, _learner, rows));
        var (loss, gradient) = Backward(_learner.Task.Loss(rows, _learner.Task.Prompt(null)));
        return new NaiveDifference(Math.Abs(loss - expected) / expected, gradient.sub(expectedGradient).norm().item<float>() / expectedGradient.norm().item<float>());
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _learner.Dispose();
        _backbone.Dispose();
    }

    /// <summary>A loss, and the gradient of everything trained in one row.</summary>
    private (double Loss, Tensor Gradient) Backward(Tensor loss)
    {
        loss.backward();
        Tensor[] gradients = [.. _learner.Task.Parameters.Select(parameter => parameter.grad).OfType<Tensor>()];
        // Copied, because a single tensor is not when it is concatenated.
        var all = cat([.. gradients.Select(gradient => gradient.reshape(-1))], 0).clone();
        foreach (var gradient in gradients)
            gradient.zero_();
        return (loss.item<float>(), all);
    }
}
