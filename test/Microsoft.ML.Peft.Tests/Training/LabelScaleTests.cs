using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class LabelScaleTests
{
    [Fact]
    public void Standardized_labels_have_mean_0_and_variance_1()
    {
        var scale = LabelScale.Of([1000, 1010, 1020, 1030], centered: true);
        Assert.Equal(1015, scale.Mean);
        Assert.Equal(Math.Sqrt(125), scale.Deviation, 10);
        float[] labels = scale.Standardize([1000, 1010, 1020, 1030]);
        Assert.Equal(0, labels.Average(), 5);
        Assert.Equal(1, labels.Average(label => label * label), 5);
    }

    [Fact]
    public void Equal_labels_are_only_shifted() =>
        Assert.Equal([0f, 0f], LabelScale.Of([7, 7], centered: true).Standardize([7, 7]));

    [Fact]
    public void A_restored_head_predicts_labels_as_they_were_given_until_the_scale_is_applied_again()
    {
        using var scope = NewDisposeScope();
        using var head = new SequenceHead(Pooling.Mean, HeadLayout.Linear, new Dictionary<string, Tensor>
        {
            ["classifier.weight"] = tensor(new float[] { 1, 2 }, [1, 2]),
            ["classifier.bias"] = tensor(new float[] { 0.5f }),
        }, null);
        var batch = TokenBatch.Create([[0]], CPU);
        var hidden = new GivenHidden([[1]]);
        Assert.Equal(-0.5f, head.Forward(hidden, batch, null).item<float>());
        new LabelScale(1000, 20).Restore(head);
        Assert.Equal(990, head.Forward(hidden, batch, null).item<float>(), 4);
        LabelScale.None.Restore(head);
        Assert.Equal(990, head.Forward(hidden, batch, null).item<float>(), 4);
        new LabelScale(1000, 20).Apply(head);
        Assert.Equal(-0.5f, head.Forward(hidden, batch, null).item<float>(), 4);
        LabelScale.None.Apply(head);
        Assert.Equal(-0.5f, head.Forward(hidden, batch, null).item<float>(), 4);
    }
}
