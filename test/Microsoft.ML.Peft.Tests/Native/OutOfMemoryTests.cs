using System.Runtime.InteropServices;
using Microsoft.ML.Peft.Native;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class OutOfMemoryTests
{
    [Fact]
    public void More_than_any_machine_has_is_recognised()
    {
        var exception = Assert.ThrowsAny<Exception>(() => empty(1L << 50));
        Assert.True(OutOfMemory.Is(exception), $"{exception.GetType()}: {exception.Message}");
    }

    [Theory]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 10.00 GiB", true)]
    [InlineData("[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: not enough memory: you tried to allocate 80 bytes.", true)]
    [InlineData("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", false)]
    public void So_is_what_libtorch_says_elsewhere_and_nothing_else(string message, bool expected) => Assert.Equal(expected, OutOfMemory.Is(new ExternalException(message)));

    [Fact]
    public void The_same_words_in_other_errors_do_not_count() => Assert.False(OutOfMemory.Is(new InvalidOperationException("out of memory")));
}
