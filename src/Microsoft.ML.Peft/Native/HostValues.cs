using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Native;

/// <summary>
/// The values of tensors in main memory. A step of writing computes so little that calling libtorch costs more than the arithmetic:
/// what would be many operations there is one loop here.
/// </summary>
internal static class HostValues
{
    // Beyond, arithmetic costs more than calls, and libtorch shares it among threads.
    private const long Few = 1 << 15;

    /// <summary>Whether a tensor's values are few 32-bit floats in main memory that need no gradient.</summary>
    public static bool AreFew(Tensor x) =>
        x.dtype == ScalarType.Float32 && x.device_type == DeviceType.CPU && x.numel() <= Few && !is_grad_enabled();

    /// <summary>The values of a contiguous tensor of 32-bit floats, valid as long as the tensor.</summary>
    public static Span<float> Of(Tensor x) => MemoryMarshal.Cast<byte, float>(x.bytes);
}
