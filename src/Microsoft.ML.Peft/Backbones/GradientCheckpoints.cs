using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// Gradient checkpointing (Chen et al. 2016) of one training step: what a segment, such as a layer, computes on the way is not kept for
/// its gradients but computed again. A step then holds the outputs of all segments and the insides of one; the gradients are the same.
/// </summary>
/// <remarks>The segments are walked here and not by a function of libtorch's graph, through which no exception could pass.</remarks>
internal sealed class GradientCheckpoints
{
    private readonly List<Segment> _segments = [];

    /// <summary>The segments so far whose gradients are not computed yet.</summary>
    public int Count => _segments.Count;

    /// <summary>What a segment computes, as starting points of gradients of their own. They belong to the current dispose scope.</summary>
    /// <param name="compute">Gives the same whenever it is called; called once more by <see cref="Backward"/>, when all that it reads must still be there.</param>
    public Tensor[] Run(Func<Tensor[]> compute)
    {
        using var scope = NewDisposeScope();
        using (no_grad())
            return Keep(compute, compute());
    }

    /// <summary>The same for a segment with one output.</summary>
    public Tensor Run(Func<Tensor> compute) => Run(() => [compute()])[0];

    /// <summary>What several segments read: gradients pass through it once, when those of all segments are there.</summary>
    public Tensor[] Share(IReadOnlyList<Tensor> tensors)
    {
        using var scope = NewDisposeScope();
        Tensor[] shared = [.. tensors];
        return Keep(() => shared, shared);
    }

    /// <summary>Passes the gradients of a loss back through the segments that were added last, to the parameters or to segments before.</summary>
    /// <param name="loss">The loss.</param>
    /// <param name="downTo">How many segments before are left: what several losses have in common is passed once, by <see cref="Finish"/>.</param>
    public void Backward(Tensor loss, int downTo = 0)
    {
        loss.backward();
        Walk(downTo);
    }

    /// <summary>Passes the sum of all losses' gradients back through the segments that were left.</summary>
    public void Finish() => Walk(0);

    private void Walk(int downTo)
    {
        for (int i = _segments.Count - 1; i >= downTo; i--)
        {
            using var scope = NewDisposeScope();
            var (compute, starts) = _segments[i];
            var pairs = compute().Zip(starts.Select(start => start.grad), (output, gradient) => (Output: output, Gradient: gradient))
                .Where(pair => pair.Output.requires_grad && pair.Gradient is not null).ToList();
            if (pairs.Count > 0)
                autograd.backward([.. pairs.Select(pair => pair.Output)], [.. pairs.Select(pair => pair.Gradient!)]);
            // Nothing that is left to do reads them.
            foreach (var start in starts)
                start.Dispose();
            _segments.RemoveAt(i);
        }
    }

    private Tensor[] Keep(Func<Tensor[]> compute, Tensor[] outputs)
    {
        Tensor[] starts = [.. outputs.Select(output => output.detach().requires_grad_().MoveToOuterDisposeScope())];
        _segments.Add(new Segment(compute, starts));
        return starts;
    }

    private sealed record Segment(Func<Tensor[]> Compute, Tensor[] Starts);
}
