using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Reads the numbers, strings and arrays of a GGUF header. Nothing is allocated that the rest of the file could not fill.</summary>
internal sealed class GgufReader(string path, Stream file)
{
    private const uint ArrayType = 9;
    // Files in use nest no arrays at all, and a damaged one must not exhaust the stack.
    private const int MaxDepth = 4;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // The stream asks the system each time.
    private readonly long _length = file.Length;
    private byte[] _buffer = new byte[256];

    /// <summary>What is being read, for messages.</summary>
    public string Subject { get; set; } = "its header";

    public long Position => file.Position;

    public T Number<T>()
        where T : unmanaged
    {
        T number = default;
        ReadExactly(MemoryMarshal.AsBytes(new Span<T>(ref number)));
        return number;
    }

    public string Text()
    {
        int length = Count(sizeof(byte));
        if (length > _buffer.Length)
        {
            _buffer = new byte[length];
        }

        ReadExactly(_buffer.AsSpan(0, length));
        try
        {
            return StrictUtf8.GetString(_buffer, 0, length);
        }
        catch (DecoderFallbackException e)
        {
            throw Invalid("has a string that is not UTF-8", e);
        }
    }

    /// <summary>A value of one of the format's types: a number, a <see cref="bool"/>, a string or an array.</summary>
    public object Value() => Value(Number<uint>(), depth: 0);

    public InvalidDataException Invalid(string fault, Exception? cause = null) =>
        new($"'{path}' is not a valid GGUF file: {Subject} {fault}. Download or write the file again.", cause);

    private object Value(uint type, int depth) => type switch
    {
        0 => Number<byte>(),
        1 => Number<sbyte>(),
        2 => Number<ushort>(),
        3 => Number<short>(),
        4 => Number<uint>(),
        5 => Number<int>(),
        6 => Number<float>(),
        7 => Flag(Number<byte>()),
        8 => Text(),
        ArrayType => Array(depth + 1),
        10 => Number<ulong>(),
        11 => Number<long>(),
        12 => Number<double>(),
        _ => throw Invalid($"has the unknown value type {type}"),
    };

    /// <summary>An array of the elements' own type; arrays of arrays are arrays of objects.</summary>
    private object Array(int depth)
    {
        uint type = Number<uint>();
        return type switch
        {
            0 => Numbers<byte>(),
            1 => Numbers<sbyte>(),
            2 => Numbers<ushort>(),
            3 => Numbers<short>(),
            4 => Numbers<uint>(),
            5 => Numbers<int>(),
            6 => Numbers<float>(),
            7 => System.Array.ConvertAll(Numbers<byte>(), Flag),
            8 => Fill(new string[Count(sizeof(ulong))], Text),
            ArrayType when depth < MaxDepth => Fill(new object[Count(sizeof(uint) + sizeof(ulong))], () => Array(depth + 1)),
            ArrayType => throw Invalid($"has arrays nested deeper than {MaxDepth}"),
            10 => Numbers<ulong>(),
            11 => Numbers<long>(),
            12 => Numbers<double>(),
            _ => throw Invalid($"has an array of the unknown value type {type}"),
        };
    }

    private T[] Numbers<T>()
        where T : unmanaged
    {
        var numbers = new T[Count(Unsafe.SizeOf<T>())];
        ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    }

    private static T[] Fill<T>(T[] array, Func<T> read)
    {
        for (int i = 0; i < array.Length; i++)
        {
            array[i] = read();
        }

        return array;
    }

    private bool Flag(byte value) => value <= 1 ? value == 1 : throw Invalid($"has a truth value of {value}, which is neither 0 nor 1");

    /// <summary>A number of elements of at least the given size.</summary>
    private int Count(int elementSize)
    {
        ulong count = Number<ulong>();
        if (count > (ulong)((_length - file.Position) / elementSize))
        {
            throw Invalid($"declares {count} elements of {elementSize} bytes or more, but only {_length - file.Position} bytes follow; the file may be truncated");
        }

        return count <= (ulong)System.Array.MaxLength
            ? (int)count
            : throw Invalid($"declares {count} elements, more than can be read");
    }

    private void ReadExactly(Span<byte> target)
    {
        if (target.Length > _length - file.Position)
        {
            throw Invalid($"needs {target.Length} bytes where only {_length - file.Position} follow; the file seems to be truncated");
        }

        file.ReadExactly(target);
    }
}
