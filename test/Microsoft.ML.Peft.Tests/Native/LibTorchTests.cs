using Microsoft.ML.Peft.Native;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;

namespace Microsoft.ML.Peft.Tests.Native;

public sealed class LibTorchTests
{
    [Fact]
    public void TorchSharp_works_on_this_system()
    {
        using var scope = torch.NewDisposeScope();

        Assert.Equal(12f, torch.ones(3, 4).sum().item<float>());
    }

    [Fact]
    public void Loading_leaves_no_copy_of_libtorch_beside_the_program()
    {
        torch.ones(1).Dispose();

        Assert.False(Directory.Exists(Path.Combine(AppContext.BaseDirectory, "cpu")));
    }

    [Fact]
    public void A_cached_copy_is_reused()
    {
        using var directory = new TemporaryDirectory();
        string path = LibTorch.Cache([1, 2, 3], directory.Path);
        File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);

        Assert.Equal(path, LibTorch.Cache([1, 2, 3], directory.Path));
        Assert.Equal(DateTime.UnixEpoch, File.GetLastWriteTimeUtc(path));
        Assert.NotEqual(path, LibTorch.Cache([1, 2, 4], directory.Path));
    }

    [Fact]
    public void A_damaged_cached_copy_is_replaced()
    {
        using var directory = new TemporaryDirectory();
        string path = LibTorch.Cache([1, 2, 3], directory.Path);
        File.WriteAllBytes(path, [1, 2]);

        Assert.Equal(path, LibTorch.Cache([1, 2, 3], directory.Path));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(Path.GetDirectoryName(path)!));
    }
}
