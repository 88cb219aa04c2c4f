using System.Text;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>A text file that is read from its beginning, as often as need be.</summary>
internal sealed class TextSource(string path, Encoding encoding)
{
    private const int StartLength = 1 << 16;
    private const int LinesPerReport = 64;

    public string Path => path;

    /// <summary>A reader, and how much of the file it has read, 0 to 1.</summary>
    public (StreamReader Reader, Func<double> Part) Open()
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16, FileOptions.SequentialScan);
        long length = Math.Max(1, file.Length);
        return (new StreamReader(file, encoding, detectEncodingFromByteOrderMarks: false), () => Math.Min(1, (double)file.Position / length));
    }

    /// <summary>The first characters.</summary>
    public string ReadStart()
    {
        using var reader = Open().Reader;
        char[] start = new char[StartLength];
        return Decoding(() => new string(start, 0, reader.ReadBlock(start)));
    }

    /// <summary>The lines with their numbers from 1.</summary>
    public IEnumerable<(string Text, long Number)> Lines(Action<double> report)
    {
        var (reader, part) = Open();
        using (reader)
        {
            for (long number = 1; Decoding(reader.ReadLine) is { } line; number++)
            {
                if (number % LinesPerReport == 0)
                    report(part());
                yield return (line, number);
            }
        }
    }

    /// <summary>Reads; what cannot be decoded becomes a sentence that names the file.</summary>
    public T Decoding<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException)
        {
            throw TextEncoding.Undecodable(path, encoding);
        }
    }
}
