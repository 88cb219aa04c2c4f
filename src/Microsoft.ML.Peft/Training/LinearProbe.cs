using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// A linear model on the frozen embeddings, without any soft prompt (Alain and Bengio 2016): the baseline that a soft
/// prompt has to beat. Multinomial logistic regression with Böhning's (1992) bound on the Hessian as preconditioner and
/// Nesterov's momentum, so that it needs no step size and draws no random number; ridge regression for values.
/// </summary>
internal sealed class LinearProbe : IDisposable
{
    private const int Iterations = 150;

    /// <summary>Weight of ½‖W‖² against the loss summed over all rows, for embeddings of mean squared length <see cref="SquaredLength"/>.</summary>
    private const double Regularization = 1;
    private const double SquaredLength = 32;

    private readonly Tensor _weight;    // [D + 1, C], the last row is the bias
    private readonly double _scale;

    private LinearProbe(Tensor weight, double scale)
    {
        _weight = weight;
        _scale = scale;
    }

    /// <summary>The probe's metric on validation rows after fitting it to training rows.</summary>
    public static double Evaluate(
        Backbone transformer, Pooling pooling, HeadLayout layout, PredictionTask task, int outputs, TokenizedRows train, TokenizedRows validation, Action checkCancelled)
        => TaskLoss.Metric(task, Score(transformer, pooling, layout, task, outputs, train, validation, checkCancelled), validation.Labels);

    /// <summary>The probe's outputs on validation rows, `[N × C]` row by row, after fitting it to training rows.</summary>
    public static float[] Score(
        Backbone transformer, Pooling pooling, HeadLayout layout, PredictionTask task, int outputs, TokenizedRows train, TokenizedRows validation, Action checkCancelled)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        bool regression = task == PredictionTask.Regression;
        var targets = regression
            ? tensor(train.Labels, [train.Count, 1])
            : nn.functional.one_hot(tensor(Array.ConvertAll(train.Labels, label => (long)label)), outputs).to(ScalarType.Float32);
        using var probe = Fit(Embed(transformer, pooling, layout, train, checkCancelled), targets, regression);
        return probe.Predict(Embed(transformer, pooling, layout, validation, checkCancelled)).contiguous().data<float>().ToArray();
    }

    /// <param name="embeddings">`[N, D]`, 32-bit.</param>
    /// <param name="targets">One-hot classes `[N, C]`, or values `[N, 1]`.</param>
    /// <param name="regression">Squared error instead of cross-entropy.</param>
    public static LinearProbe Fit(Tensor embeddings, Tensor targets, bool regression)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        double scale = Math.Sqrt(SquaredLength / embeddings.square().sum(1).mean().item<float>());
        var x = Extend(embeddings, scale);                                              // [N, D + 1]
        double ridge = Regularization / x.size(0);
        // The Hessian of the mean loss is at most this (½ for cross-entropy, exactly 1 for ½ squared error).
        var bound = nn.functional.linear(x.t(), x.t()).Times((regression ? 1.0 : 0.5) / x.size(0)).Plus(eye(x.size(1), device: x.device).Times(ridge));
        var factor = linalg.cholesky(bound);
        var weight = zeros(x.size(1), targets.size(1), device: x.device);
        var ahead = weight;
        for (int i = 0; i < (regression ? 1 : Iterations); i++)
        {
            using var step = NewDisposeScope();
            var outputs = x.mm(ahead);
            var residual = (regression ? outputs : softmax(outputs, 1)).sub(targets);      // [N, C]
            var gradient = x.t().mm(residual).Times(1.0 / x.size(0)).Plus(ahead.Times(ridge));
            var next = ahead.sub(cholesky_solve(gradient, factor));
            ahead = next.Plus(next.sub(weight).Times(i / (i + 3.0))).MoveToOuterDisposeScope();
            weight = next.MoveToOuterDisposeScope();
        }
        return new LinearProbe(weight.DetachFromDisposeScope(), scale);
    }

    /// <summary>Outputs `[N, C]` for embeddings `[N, D]`.</summary>
    public Tensor Predict(Tensor embeddings) => Extend(embeddings, _scale).mm(_weight);

    public void Dispose() => _weight.Dispose();

    private static Tensor Extend(Tensor embeddings, double scale) =>
        cat([embeddings.Times(scale), ones(embeddings.size(0), 1, device: embeddings.device)], 1);

    /// <summary>The frozen model's own embeddings `[N, D]`, pooled as the head pools.</summary>
    private static Tensor Embed(Backbone transformer, Pooling pooling, HeadLayout layout, TokenizedRows rows, Action checkCancelled)
    {
        int size = transformer.Configuration.HiddenSize;
        var embeddings = new float[rows.Count * size];
        Scorer.Run(transformer, null, rows.Texts, (model, batch, prompt) => SequenceHead.Pool(model, batch, prompt, pooling, layout), size, embeddings, checkCancelled);
        return tensor(embeddings, [rows.Count, size]);
    }
}
