using System.Text.Json;

namespace Microsoft.ML.Peft.Benchmarks.Charts;

/// <summary>One line of JSON that this program printed.</summary>
internal sealed class RecordedResult
{
    private readonly IReadOnlyDictionary<string, JsonElement> _fields;

    private RecordedResult(IReadOnlyDictionary<string, JsonElement> fields)
    {
        _fields = fields;
        Benchmark = Text("benchmark");
        Model = Text("model");
        Precision = Text("precision");
        Work = Describe();
    }

    public string Benchmark { get; }

    public string Model { get; }

    public string Precision { get; }

    /// <summary>What was done, in words: task, method, virtual tokens and, where it matters, the batch.</summary>
    public string Work { get; }

    /// <summary>What tells this measurement from others.</summary>
    public (string, string, string, string, bool, bool) Identity => (Benchmark, Model, Work, Precision, Flag("naive"), Flag("gradientCheckpointing"));

    /// <summary>The results in a file of lines; those of quality are passed over.</summary>
    /// <exception cref="InvalidDataException">A line is no result.</exception>
    public static IReadOnlyList<RecordedResult> Read(FileInfo file)
    {
        if (!file.Exists)
            throw new FileNotFoundException($"'{file}' does not exist; record results there, one line of JSON each.", file.FullName);
        return
        [
            .. File.ReadLines(file.FullName)
                .Select((line, i) => (Line: line, Where: $"'{file}' line {i + 1}"))
                .Where(line => !string.IsNullOrWhiteSpace(line.Line))
                .Select(line => Parse(line.Line, line.Where))
                .OfType<RecordedResult>(),
        ];
    }

    /// <summary>A number, or null where there is none of that name.</summary>
    public double? Number(string field) => _fields.TryGetValue(field, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    /// <summary>Whether a field is there and true.</summary>
    public bool Flag(string field) => _fields.TryGetValue(field, out var value) && value.ValueKind == JsonValueKind.True;

    private static RecordedResult? Parse(string line, string where)
    {
        try
        {
            var fields = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!;
            return fields["benchmark"].GetString() is "quality" or "generation-quality" ? null : new RecordedResult(fields);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InvalidDataException($"{where} is no result of this program: {e.Message}", e);
        }
    }

    private string Describe()
    {
        string verb = Benchmark switch { "train-speed" => "training", "score-speed" => "scoring", "generate-speed" => "writing", var other => other };
        string batch = verb == "writing" ? $", batch {_fields["batch"].GetInt32()}" : "";
        return $"{verb}, {Text("method")} {_fields["virtualTokens"].GetInt32()}{batch}";
    }

    private string Text(string field) => _fields[field].GetString()!;
}
