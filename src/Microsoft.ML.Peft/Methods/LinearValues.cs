using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>A linear layer's weight `[out, in]` and bias `[out]` before training.</summary>
internal sealed record LinearValues(Tensor Weight, Tensor Bias);
