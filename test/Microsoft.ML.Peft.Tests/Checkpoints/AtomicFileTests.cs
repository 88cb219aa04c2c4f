using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_file_is_created_or_replaced_as_a_whole()
    {
        string path = _directory.File("target");

        AtomicFile.Write(path, stream => stream.Write([1, 2, 3]));
        AtomicFile.Write(path, stream => stream.Write([4]));

        Assert.Equal([4], File.ReadAllBytes(path));
        AssertNothingElse(path);
    }

    [Fact]
    public void The_old_file_stays_in_place_while_the_new_one_is_written()
    {
        string path = _directory.File("target");
        File.WriteAllBytes(path, [1]);

        AtomicFile.Write(path, stream =>
        {
            stream.Write([2, 2]);
            stream.Flush();
            Assert.Equal([1], File.ReadAllBytes(path));
        });

        Assert.Equal([2, 2], File.ReadAllBytes(path));
    }

    [Fact]
    public void A_full_disk_leaves_the_old_file_and_says_what_to_do()
    {
        string path = _directory.File("target");
        File.WriteAllBytes(path, [1]);

        string message = Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            throw new IOException("No space left on device");
        })).Message;

        Assert.Contains($"'{path}' could not be written and is unchanged", message);
        Assert.Contains("space left", message);
        Assert.Contains("No space left on device", message);
        Assert.Equal([1], File.ReadAllBytes(path));
        AssertNothingElse(path);
    }

    [Fact]
    public void Any_other_error_leaves_the_old_file_too()
    {
        string path = _directory.File("target");
        File.WriteAllBytes(path, [1]);

        Assert.Throws<ArgumentException>(() => AtomicFile.Write(path, _ => throw new ArgumentException("unrelated")));

        Assert.Equal([1], File.ReadAllBytes(path));
        AssertNothingElse(path);
    }

    [Fact]
    public void A_parent_that_is_a_file_is_reported()
    {
        string parent = _directory.File("parent");
        File.WriteAllBytes(parent, [1]);

        Assert.Contains("could not be written", Assert.ThrowsAny<IOException>(() => AtomicFile.Write(Path.Combine(parent, "target"), _ => { })).Message);
        AssertNothingElse(parent);
    }

    [Fact]
    public void A_missing_directory_is_reported() =>
        Assert.Contains("directory exists", Assert.Throws<IOException>(() => AtomicFile.Write(_directory.File("missing/target"), _ => { })).Message);

    [Fact]
    public void A_target_that_is_a_directory_is_left_alone()
    {
        string path = _directory.File("target");
        Directory.CreateDirectory(path);

        Exception error = Assert.ThrowsAny<SystemException>(() => AtomicFile.Write(path, stream => stream.Write([1])));

        Assert.True(error is IOException or UnauthorizedAccessException);
        Assert.Contains($"'{path}' could not be written", error.Message);
        Assert.Empty(Directory.GetFiles(_directory.Path));
    }

    [SkippableFact]
    public void A_read_only_file_system_is_reported()
    {
        // Nobody, not even root, creates files there.
        Skip.IfNot(Directory.Exists("/proc/self"), "The system has no /proc.");

        Exception error = Assert.ThrowsAny<SystemException>(() => AtomicFile.Write("/proc/self/target", _ => { }));

        Assert.True(error is IOException or UnauthorizedAccessException);
        Assert.Contains("'/proc/self/target' could not be written", error.Message);
    }

    private void AssertNothingElse(string path) => Assert.Equal([path], Directory.GetFileSystemEntries(_directory.Path));
}
