namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>How far the library's numbers lie from the naive ones, relative to them.</summary>
/// <param name="Loss">Of the loss.</param>
/// <param name="Gradient">Of the gradient of all that is trained, by its norm.</param>
internal readonly record struct NaiveDifference(double Loss, double Gradient)
{
    public const double MostLoss = 2e-6;
    public const double MostGradient = 1e-5;

    /// <exception cref="InvalidOperationException">It is more than rounding.</exception>
    public NaiveDifference Checked() => Loss <= MostLoss && Gradient <= MostGradient
        ? this
        : throw new InvalidOperationException(FormattableString.Invariant(
            $"The library and the naive way disagree: the loss by {Loss:0.0e+0} (at most {MostLoss:0e+0}), the gradient by {Gradient:0.0e+0} (at most {MostGradient:0e+0}); one of them is wrong."));
}
