using TorchSharp;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Divides libtorch's threads among trials that run at the same time: each would otherwise ask for all of them.</summary>
internal sealed class ThreadShare : IDisposable
{
    private readonly int _before = torch.get_num_threads();

    /// <param name="trials">The most trials at a time.</param>
    public ThreadShare(int trials) => torch.set_num_threads(Math.Max(1, _before / trials));

    /// <summary>For work that runs alone.</summary>
    public void GiveAll() => torch.set_num_threads(_before);

    public void Dispose() => GiveAll();
}
