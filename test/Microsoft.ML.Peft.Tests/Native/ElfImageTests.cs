using Microsoft.ML.Peft.Native;

namespace Microsoft.ML.Peft.Tests.Native;

public sealed class ElfImageTests
{
    [SkippableFact]
    public void One_flag_of_the_native_library_is_changed()
    {
        byte[] original = NativeLibrary();
        byte[] weakened = [.. original];

        Assert.Equal(1, ElfImage.WeakenVersionNeed(weakened, LibTorch.VersionNeed));
        int changed = Assert.Single(Enumerable.Range(0, original.Length), i => original[i] != weakened[i]);
        Assert.Equal(original[changed] | 2, weakened[changed]);
    }

    [SkippableFact]
    public void Weakening_twice_changes_nothing_more()
    {
        byte[] once = NativeLibrary();
        ElfImage.WeakenVersionNeed(once, LibTorch.VersionNeed);
        byte[] twice = [.. once];

        ElfImage.WeakenVersionNeed(twice, LibTorch.VersionNeed);

        Assert.Equal(once, twice);
    }

    [SkippableFact]
    public void A_version_that_is_not_needed_is_left_alone() =>
        Assert.Equal(0, ElfImage.WeakenVersionNeed(NativeLibrary(), "GLIBCXX_9.9.9"));

    [SkippableFact]
    public void A_truncated_library_is_left_alone()
    {
        byte[] original = NativeLibrary();
        var random = new Random(1);
        for (int i = 0; i < 64; i++)
        {
            int length = i < 32 ? i * 4 : random.Next(original.Length - 1);
            // The table of sections lies at the end of the file.
            Assert.Equal(0, ElfImage.WeakenVersionNeed(original[..length], LibTorch.VersionNeed));
        }
    }

    [Fact]
    public void Noise_behind_an_ELF_header_is_survived()
    {
        var random = new Random(2);
        byte[] noise = new byte[4096];
        for (int i = 0; i < 500; i++)
        {
            random.NextBytes(noise);
            "\u007fELF\u0002\u0001"u8.CopyTo(noise);
            // Sections inside the file, of the type looked for, so that the noise is read as records.
            BitConverter.TryWriteBytes(noise.AsSpan(40), (ulong)random.Next(64, 2048));
            BitConverter.TryWriteBytes(noise.AsSpan(58), (ushort)64);
            BitConverter.TryWriteBytes(noise.AsSpan(60), (ushort)20);
            int sections = (int)BitConverter.ToUInt64(noise, 40);
            BitConverter.TryWriteBytes(noise.AsSpan(sections + 4), 0x6ffffffe);
            BitConverter.TryWriteBytes(noise.AsSpan(sections + 24), i % 2 == 0 ? (ulong)random.Next(4096) : ulong.MaxValue - 3);

            Assert.Equal(0, ElfImage.WeakenVersionNeed(noise, LibTorch.VersionNeed));
        }
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 1, 1, 1, 1 })]
    [InlineData(new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1 })]
    public void What_is_no_64_bit_ELF_file_is_left_alone(byte[] content) =>
        Assert.Equal(0, ElfImage.WeakenVersionNeed(content, LibTorch.VersionNeed));

    private static byte[] NativeLibrary()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The library is an ELF file on Linux only.");
        return File.ReadAllBytes(LibTorch.Find(LibTorch.FileName)!);
    }
}
