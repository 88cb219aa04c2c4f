using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>Regression labels are learned with mean 0 and variance 1; afterwards the head is scaled back.</summary>
internal sealed record LabelScale(double Mean, double Deviation)
{
    public static LabelScale None { get; } = new(0, 1);

    /// <param name="labels">The training labels.</param>
    /// <param name="centered">Whether the mean is taken off: a head without bias could not give it back.</param>
    public static LabelScale Of(IReadOnlyList<float> labels, bool centered)
    {
        double mean = centered ? labels.Average(label => (double)label) : 0;
        double deviation = Math.Sqrt(labels.Average(label => Math.Pow(label - mean, 2)));
        return new LabelScale(mean, deviation > 0 ? deviation : 1);
    }

    public float[] Standardize(float[] labels) => Array.ConvertAll(labels, label => (float)((label - Mean) / Deviation));

    /// <summary>Makes a head that predicts labels as they were given predict them as they are learned: undoes <see cref="Restore"/>.</summary>
    public void Apply(SequenceHead head)
    {
        if (this == None)
            return;
        using var frozen = no_grad();
        head.OutputWeight.div_(Deviation);
        head.OutputBias?.sub_(Mean).div_(Deviation);
    }

    /// <summary>Makes the head predict labels as they were given.</summary>
    public void Restore(SequenceHead head)
    {
        if (this == None)
            return;
        using var frozen = no_grad();
        head.OutputWeight.mul_(Deviation);
        head.OutputBias?.mul_(Deviation).add_(Mean);
    }
}
