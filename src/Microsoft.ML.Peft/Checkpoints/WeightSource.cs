using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>A frozen model's weights under the names of Hugging Face's files, wherever they lie.</summary>
internal abstract class WeightSource : IDisposable
{
    private const int SampleLength = 4096;

    /// <summary>The file, or the index of the files.</summary>
    public abstract string Source { get; }

    /// <summary>What states the shapes that the tensors ought to have, for messages.</summary>
    public virtual string Configuration => "config.json";

    /// <summary>How large what is stored is, tensor by tensor: the type's name, how many values, and their bytes in the files.</summary>
    public abstract IEnumerable<(string Type, long Values, long Bytes)> Sizes { get; }

    public abstract bool Contains(string name);

    /// <exception cref="InvalidDataException">There is no such tensor.</exception>
    public abstract long[] Shape(string name);

    /// <summary>A tensor on the CPU in the given type; read-only, since it may lie over a mapped file.</summary>
    /// <exception cref="InvalidDataException">There is no such tensor.</exception>
    public abstract Tensor Read(string name, ScalarType type);

    /// <summary>A matrix as it is stored, to be disposed by the caller; null where it is not stored in quantised blocks.</summary>
    /// <exception cref="InvalidDataException">There is no such tensor.</exception>
    public virtual StoredMatrix? Stored(string name) => null;

    /// <summary>Refuses tensors that a loaded model had no place for, where a source holds only what its model computes with.</summary>
    /// <exception cref="NotSupportedException">There are such tensors.</exception>
    public virtual void CheckAllRead()
    {
    }

    /// <summary>Identifies the weights: a SHA-256 in lower-case hexadecimal over names, types, shapes and samples of the data.</summary>
    public abstract string Fingerprint();

    public abstract void Dispose();

    private protected static long Product(long[] shape) => shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Adds one tensor to a fingerprint: its name, type and shape and up to three samples of its bytes.</summary>
    private protected static void AppendTensor(IncrementalHash hash, string name, string type, long[] shape, long length, Func<long, int, byte[]> bytes)
    {
        Span<byte> number = stackalloc byte[sizeof(long)];
        // Names and types end with a character that they cannot contain, and the rank leads the shape, so that no two lists read alike.
        hash.AppendData(Encoding.UTF8.GetBytes($"{name}\0{type}\0"));
        foreach (long value in shape.Prepend(shape.Length))
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
            hash.AppendData(number);
        }

        if (length <= 3 * SampleLength)
        {
            hash.AppendData(bytes(0, (int)length));
            return;
        }

        foreach (long start in (long[])[0, (length - SampleLength) / 2, length - SampleLength])
        {
            hash.AppendData(bytes(start, SampleLength));
        }
    }
}
