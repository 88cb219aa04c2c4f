using TorchSharp;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>What a safetensors header says about one tensor.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="ElementType">The type of its elements.</param>
/// <param name="Shape">Its dimensions; empty for a scalar.</param>
/// <param name="Offset">Where its data begin, in bytes from the start of the file.</param>
/// <param name="Length">How many bytes its data take.</param>
internal sealed record TensorInfo(string Name, ElementType ElementType, long[] Shape, long Offset, long Length)
{
    /// <summary>The element type in TorchSharp; null when TorchSharp lacks it, so that the tensor can be listed but not read.</summary>
    public torch.ScalarType? Type => ElementType.Type;
}
