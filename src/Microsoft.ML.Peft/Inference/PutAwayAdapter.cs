using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// An adapter whose tensors lie in a temporary file, which nobody else reads or writes: the directory that the adapter came from may change or go.
/// </summary>
internal sealed class PutAwayAdapter : IDisposable
{
    private readonly PretrainedModel _backbone;
    private readonly FileStream _file;
    private readonly Func<Tensor, IReadOnlyDictionary<string, Tensor>, Adapter> _create;
    private readonly long[] _prompt;
    private readonly List<(string Name, long[] Shape)> _head = [];

    /// <param name="backbone">The frozen model.</param>
    /// <param name="adapter">The adapter; it stays the caller's.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public PutAwayAdapter(PretrainedModel backbone, Adapter adapter)
    {
        var (configuration, description, generation, labelWords, pooling) = (adapter.Configuration, adapter.Description, adapter.Generation, adapter.LabelWords, adapter.Head?.Pooling);
        _create = (prompt, head) => new Adapter(configuration, prompt, pooling is { } read ? Adapter.CreateHead(read, backbone.Frozen, head) : null, description, generation) { LabelWords = labelWords };
        _backbone = backbone;
        _prompt = adapter.PromptEmbeddings.shape;
        // Open all the time: what clears old temporary files takes only its name.
        _file = new FileStream(Path.Combine(Path.GetTempPath(), $"peft-adapter-{Guid.NewGuid():N}"), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose,
            BufferSize = 0,
        });
        try
        {
            Write(adapter.PromptEmbeddings);
            foreach (var (name, value) in adapter.Head?.Parameters.ToArray() ?? [])
            {
                Write(value);
                _head.Add((name, value.shape));
            }
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The adapter as it was.</summary>
    public Adapter Load()
    {
        using var scope = NewDisposeScope();
        _file.Position = 0;
        var prompt = Read(_prompt);
        return _create(prompt.DetachFromDisposeScope(), _head.ToDictionary(part => part.Name, part => Read(part.Shape)));
    }

    public void Dispose() => _file.Dispose();

    private void Write(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        _file.Write(tensor.detach().cpu().contiguous().bytes);
    }

    private Tensor Read(long[] shape)
    {
        var tensor = empty(shape, ScalarType.Float32);
        _file.ReadExactly(tensor.bytes);
        return tensor.to(_backbone.Frozen.Backbone.Device);
    }
}
