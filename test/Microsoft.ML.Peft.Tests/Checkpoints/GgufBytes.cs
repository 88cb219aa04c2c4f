using System.Text;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

/// <summary>Builds GGUF files by hand, also such as no library would write.</summary>
internal sealed class GgufBytes
{
    public uint Magic { get; init; } = 0x46554747;

    public uint Version { get; init; } = 3;

    /// <summary>The declared numbers; by default the true ones.</summary>
    public ulong? TensorCount { get; init; }

    public ulong? ValueCount { get; init; }

    /// <summary>Keys, types and the values' bytes.</summary>
    public List<(string Key, uint Type, byte[] Value)> Values { get; } = [];

    /// <summary>Names, dimensions in the file's order, types and offsets.</summary>
    public List<(string Name, ulong[] Dimensions, uint Type, ulong Offset)> Tensors { get; } = [];

    public int Alignment { get; init; } = 32;

    public byte[] Data { get; init; } = [];

    public byte[] Build()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(TensorCount ?? (ulong)Tensors.Count);
        writer.Write(ValueCount ?? (ulong)Values.Count);
        foreach ((string key, uint type, byte[] value) in Values)
        {
            writer.Write(Text(key));
            writer.Write(type);
            writer.Write(value);
        }

        foreach ((string name, ulong[] dimensions, uint type, ulong offset) in Tensors)
        {
            writer.Write(Text(name));
            writer.Write(dimensions.Length);
            foreach (ulong dimension in dimensions)
                writer.Write(dimension);
            writer.Write(type);
            writer.Write(offset);
        }

        while (stream.Length % Alignment != 0)
            writer.Write((byte)0);
        writer.Write(Data);
        return stream.ToArray();
    }

    /// <summary>A string as the format writes it.</summary>
    public static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [.. BitConverter.GetBytes((ulong)bytes.Length), .. bytes];
    }

    /// <summary>An array's type, declared count and elements' bytes.</summary>
    public static byte[] Array(uint type, ulong count, params byte[] elements) =>
        [.. BitConverter.GetBytes(type), .. BitConverter.GetBytes(count), .. elements];
}
