namespace Microsoft.ML.Peft;

/// <summary>
/// The number format of the frozen weights. Soft prompt, head and optimiser are always 32-bit floats. While a model from a quantised `.gguf`
/// file writes a few texts, its weights are read from the file as they are and multiplied in 32-bit floats, whatever the number format.
/// </summary>
public enum Precision
{
    /// <summary>
    /// <see cref="BFloat16"/> where this machine multiplies such matrices at least 1.5 times as fast, else
    /// <see cref="Float32"/>. Measured once per process and device, in milliseconds.
    /// </summary>
    Auto,

    /// <summary>IEEE 754 binary32.</summary>
    Float32,

    /// <summary>bfloat16: half the memory, the range of a 32-bit float and 8 bits of precision.</summary>
    BFloat16,
}
