using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>
/// The search's memory: a file of JSON lines that only grows, each on the disk before the search goes on, each with a checksum. A line
/// that a kill cut short is taken off when the file is opened again; damage anywhere else is an error.
/// </summary>
internal sealed class SearchLog : IDisposable
{
    public const string FileName = "experiment.jsonl";
    private const string LockName = "experiment.lock";
    private const string SumStart = "{\"sum\":\"";
    private const int SumLength = 8;

    private static readonly JsonSerializerOptions Json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    private readonly FileStream _lock;
    private readonly FileStream _file;

    private SearchLog(FileStream @lock, FileStream file, IReadOnlyList<SearchEvent> events) => (_lock, _file, Events) = (@lock, file, events);

    /// <summary>What the file held when it was opened.</summary>
    public IReadOnlyList<SearchEvent> Events { get; }

    /// <param name="directory">Is made if it does not exist.</param>
    /// <exception cref="IOException">Another process, or another search of this one, uses the directory; or it cannot be written.</exception>
    /// <exception cref="InvalidDataException">The file is damaged other than by a cut at its end.</exception>
    public static SearchLog Open(string directory)
    {
        Directory.CreateDirectory(directory);
        var @lock = Lock(directory);
        FileStream? file = null;
        try
        {
            file = new FileStream(Path.Combine(directory, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            var (events, length) = Read(bytes, file.Name);
            file.SetLength(length);
            file.Position = length;
            return new SearchLog(@lock, file, events);
        }
        catch
        {
            file?.Dispose();
            @lock.Dispose();
            throw;
        }
    }

    /// <summary>The seed of the search that lies in a directory; null if there is none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged other than by a cut at its end.</exception>
    public static int? SeedIn(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            return null;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[file.Length];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return (Read(bytes[..length], path).Events.FirstOrDefault() as SearchOpened)?.Seed;
    }

    /// <summary>Adds a line, and returns when it is on the disk.</summary>
    public void Append(SearchEvent line)
    {
        _file.Write(Line(line));
        _file.Flush(flushToDisk: true);
    }

    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    internal static byte[] Line(SearchEvent line)
    {
        string body = JsonSerializer.Serialize(line, Json);
        return Encoding.UTF8.GetBytes($"{SumStart}{StableHash.Hex(body)}\",{body[1..]}\n");
    }

    private static (IReadOnlyList<SearchEvent> Events, int Length) Read(byte[] bytes, string path)
    {
        var events = new List<SearchEvent>();
        int start = 0;
        while (Array.IndexOf(bytes, (byte)'\n', start) is >= 0 and var end)
        {
            if (Parse(bytes.AsSpan(start, end - start)) is not { } line)
            {
                if (end == bytes.Length - 1)
                    break;      // a whole line, but not all of it reached the disk
                throw new InvalidDataException(
                    $"'{path}' is damaged in line {events.Count + 1}: its checksum is wrong. Restore the file, or cut it before that line to go on from there.");
            }
            events.Add(line);
            start = end + 1;
        }
        return (events, start);
    }

    private static SearchEvent? Parse(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line);
        int body = SumStart.Length + SumLength + 2;
        if (!text.StartsWith(SumStart, StringComparison.Ordinal) || text.Length <= body)
            return null;
        string json = "{" + text[body..];
        return text.AsSpan(SumStart.Length, SumLength).SequenceEqual(StableHash.Hex(json)) ? JsonSerializer.Deserialize<SearchEvent>(json, Json) : null;
    }

    private static FileStream Lock(string directory)
    {
        try
        {
            return new FileStream(Path.Combine(directory, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException))
        {
            throw new IOException($"Another process or experiment uses the directory '{directory}'; wait until it has ended, or use another directory. {e.Message}", e);
        }
    }
}
