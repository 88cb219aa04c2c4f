using TorchSharp;

namespace Microsoft.ML.Peft.Native;

/// <summary>Chooses the device as ML.NET's own components do.</summary>
internal static class Devices
{
    /// <summary>
    /// The CPU when <paramref name="gpuDeviceId"/> is null; else that CUDA device. Where it is missing: the CPU if
    /// <paramref name="fallbackToCpu"/>, else an exception.
    /// </summary>
    public static torch.Device Choose(int? gpuDeviceId, bool fallbackToCpu)
    {
        if (gpuDeviceId is not int id)
            return torch.CPU;
        int count = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (id >= 0 && id < count)
            return torch.device(DeviceType.CUDA, id);
        if (fallbackToCpu)
            return torch.CPU;
        throw new InvalidOperationException(
            $"MLContext.GpuDeviceId is {id}, but {(count == 0 ? "no CUDA device is available" : $"the CUDA devices are 0 to {count - 1}")}; " +
            "set GpuDeviceId to null or FallbackToCpu to true to use the CPU, or reference a CUDA build (TorchBackend).");
    }
}
