using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// A file mapped into memory on first use. A view of it keeps the mapping alive, also after this object is disposed.
/// Treat views as read-only: a write would go to a private copy of the page, which later views would see, never to the file.
/// The file must not be truncated while it is mapped.
/// </summary>
internal sealed class MappedFile(string path, long length) : IDisposable
{
    // One mapping per element type, because TorchSharp cannot view a tensor as another type.
    private readonly Dictionary<ScalarType, Tensor> _mappings = [];
    private bool _disposed;

    public string Path { get; } = path;

    /// <summary>A flat tensor over a part of the file that begins at a multiple of the element's size.</summary>
    /// <param name="type">The type of the elements.</param>
    /// <param name="offset">Where the part begins, in bytes.</param>
    /// <param name="count">How many elements it has.</param>
    public Tensor View(ScalarType type, long offset, long count) => Mapping(type).narrow(0, offset / type.ElementSize(), count);

    /// <summary>A part of the file, valid until this object is disposed.</summary>
    public ReadOnlySpan<byte> Bytes(long offset, int count)
    {
        if (count == 0)
        {
            return [];
        }

        using Tensor bytes = View(ScalarType.Byte, offset, count);
        return bytes.bytes;
    }

    public void Dispose()
    {
        lock (_mappings)
        {
            _disposed = true;
            foreach (Tensor mapping in _mappings.Values)
            {
                mapping.Dispose();
            }

            _mappings.Clear();
        }
    }

    private Tensor Mapping(ScalarType type)
    {
        lock (_mappings)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_mappings.TryGetValue(type, out Tensor? mapping))
            {
                try
                {
                    mapping = from_file(Path, shared: false, length / type.ElementSize(), type, CPU).DetachFromDisposeScope();
                }
                catch (ExternalException e)
                {
                    throw new IOException($"'{Path}' could not be mapped into memory; check that the file is still there and unchanged. {e.Message}", e);
                }

                _mappings.Add(type, mapping);
            }

            return mapping;
        }
    }
}
