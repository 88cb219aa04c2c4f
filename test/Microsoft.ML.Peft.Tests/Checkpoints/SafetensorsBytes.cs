using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

/// <summary>Builds safetensors files by hand, also such as no library would write.</summary>
internal static class SafetensorsBytes
{
    public static byte[] Build(string header, int dataLength) =>
        Build(header, [.. Enumerable.Range(1, dataLength).Select(i => (byte)i)]);

    public static byte[] Build(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[sizeof(ulong) + json.Length + data.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)json.Length);
        json.CopyTo(file, sizeof(ulong));
        data.CopyTo(file, sizeof(ulong) + json.Length);
        return file;
    }
}
