using Microsoft.ML.Peft.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Reads a checkpoint's tensors under a family's prefix, their shapes checked, in the frozen weights' type and place.</summary>
internal sealed class WeightReader(WeightSource checkpoint, string prefix, string probe, ScalarType type, Device device)
{
    // Files of bare models name their tensors without the family's prefix.
    private readonly string _prefix = checkpoint.Contains(prefix + probe) ? prefix : "";

    public bool Contains(string name) => checkpoint.Contains(_prefix + name);

    /// <summary>A tensor under the prefix, in the current dispose scope.</summary>
    public Tensor Read(string name, params long[] shape) => ReadAbsolute(_prefix + name, shape);

    /// <summary>A tensor that has no prefix: a head.</summary>
    public Tensor ReadAbsolute(string name, params long[] shape)
    {
        var found = checkpoint.Shape(name);
        if (!found.AsSpan().SequenceEqual(shape))
        {
            throw new InvalidDataException(
                $"'{checkpoint.Source}': tensor '{name}' is [{string.Join(", ", found)}], but {checkpoint.Configuration} asks for [{string.Join(", ", shape)}]; " +
                $"weights and {checkpoint.Configuration} do not belong together.");
        }
        return checkpoint.Read(name, type).to(device);
    }

    /// <summary>The same matrices, one below the other, for products of few rows straight from the file; null where that is not possible.</summary>
    public BlockMatrix? Blocks(params IReadOnlyList<string> names) => BlocksAbsolute([.. names.Select(name => _prefix + name)]);

    /// <summary>The same for matrices that have no prefix.</summary>
    public BlockMatrix? BlocksAbsolute(params IReadOnlyList<string> names) =>
        device.type == TorchSharp.DeviceType.CPU ? BlockMatrix.Of([.. names.Select(checkpoint.Stored)]) : null;

    public bool ContainsAbsolute(string name) => checkpoint.Contains(name);

    /// <summary>A linear layer with bias, outside the dispose scope.</summary>
    public FrozenLinear Linear(string name, long output, long input) =>
        new(Read(name + ".weight", output, input).DetachFromDisposeScope(), Read(name + ".bias", output).DetachFromDisposeScope());

    /// <summary>A bias that the configuration does not know would change what the model computes.</summary>
    public void RefuseBias(string name)
    {
        if (Contains(name + ".bias"))
        {
            throw new InvalidDataException(
                $"'{checkpoint.Source}' has the tensor '{_prefix}{name}.bias', but {checkpoint.Configuration} says that this layer has no bias; weights and {checkpoint.Configuration} do not belong together.");
        }
    }
}
