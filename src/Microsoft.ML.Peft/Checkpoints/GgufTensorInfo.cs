namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>What a GGUF header says about one tensor.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Type">How its elements are stored.</param>
/// <param name="Shape">Its dimensions in row-major order, the reverse of the file's; empty for a scalar.</param>
/// <param name="Offset">Where its data begin, in bytes from the start of the file.</param>
/// <param name="Length">How many bytes its data take.</param>
internal sealed record GgufTensorInfo(string Name, GgufType Type, long[] Shape, long Offset, long Length);
