using System.Text.Json;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>A text to write on, and all that could have been written.</summary>
internal sealed record ReferencedText(string Text, IReadOnlyList<string> References)
{
    private static readonly string[] TextFields = ["text", "input", "source", "prompt", "facts", "mr", "meaning_representation"];
    private static readonly string[] ReferenceFields = ["references", "reference", "targets", "target", "labels", "label", "refs", "ref", "outputs", "output"];

    /// <summary>
    /// Reads JSON lines, one object per text with its references, or a TSV with the header `Text&lt;TAB&gt;Label`, where rows of the same text
    /// are one text's references.
    /// </summary>
    public static IReadOnlyList<ReferencedText> Read(FileInfo file)
    {
        if (!file.Exists)
            throw new FileNotFoundException($"'{file}' does not exist; give JSON lines with text and references, or a TSV file with the header Text<TAB>Label.", file.FullName);
        var lines = File.ReadLines(file.FullName).Select((line, i) => (Line: line, Number: i + 1)).Where(line => !string.IsNullOrWhiteSpace(line.Line)).ToList();
        if (lines.Count == 0)
            throw new InvalidDataException($"'{file}' is empty; give JSON lines with text and references, or a TSV file with the header Text<TAB>Label.");
        return lines[0].Line.TrimStart().StartsWith('{')
            ? [.. lines.Select(line => Parse(line.Line, $"'{file}' line {line.Number}"))]
            : [.. DataFile.Read(file).GroupBy(row => row.Text).Select(rows => new ReferencedText(rows.Key, [.. rows.Select(row => row.Label)]))];
    }

    private static ReferencedText Parse(string line, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var text = Field(document.RootElement, TextFields, where);
            var references = Field(document.RootElement, ReferenceFields, where);
            string[] all = references.ValueKind == JsonValueKind.Array ? [.. references.EnumerateArray().Select(value => Value(value, where))] : [Value(references, where)];
            return new ReferencedText(Value(text, where), all.Length > 0 ? all : throw new InvalidDataException($"{where} has no reference."));
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{where} is not valid JSON: {e.Message}", e);
        }
    }

    private static JsonElement Field(JsonElement line, string[] names, string where)
    {
        if (line.ValueKind != JsonValueKind.Object)
            throw new InvalidDataException($"{where} is not a JSON object.");
        foreach (string name in names)
        {
            foreach (var property in line.EnumerateObject())
            {
                if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                    return property.Value;
            }
        }
        throw new InvalidDataException($"{where} has none of the fields {string.Join(", ", names)}.");
    }

    private static string Value(JsonElement value, string where) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new InvalidDataException($"{where}: {value.GetRawText()} is not a text.");
}
