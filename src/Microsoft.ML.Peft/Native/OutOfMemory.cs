using System.Runtime.InteropServices;

namespace Microsoft.ML.Peft.Native;

/// <summary>Tells a lack of memory, the processor's or the graphics card's, from other errors of libtorch, which have no types of their own.</summary>
internal static class OutOfMemory
{
    /// <summary>What libtorch's allocators say on Linux and macOS, on Windows, and on CUDA.</summary>
    private static readonly string[] Messages = ["can't allocate memory", "not enough memory", "out of memory"];

    /// <summary>Whether an exception is one.</summary>
    public static bool Is(Exception exception) =>
        exception is OutOfMemoryException ||
        exception is ExternalException && Messages.Any(message => exception.Message.Contains(message, StringComparison.OrdinalIgnoreCase));
}
