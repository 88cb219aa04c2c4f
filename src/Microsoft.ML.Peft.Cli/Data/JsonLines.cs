using System.Text.Json;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>Files with a JSON object on each line.</summary>
internal static class JsonLines
{
    private const int RowsOfColumns = 1000;

    /// <summary>The properties of the first objects, in the order in which they come.</summary>
    public static IReadOnlyList<string> Columns(TextSource source)
    {
        var names = new List<string>();
        foreach (var row in Objects(source, _ => { }).Take(RowsOfColumns))
            names.AddRange(row.Keys.Where(name => !names.Contains(name)));
        return names.Count > 0 ? names : throw new InvalidDataException($"'{source.Path}' has no rows; it needs a JSON object on each line.");
    }

    public static IEnumerable<string[]> Rows(TextSource source, IReadOnlyList<string> columns, Action<double> report) =>
        Objects(source, report).Select(row => columns.Select(name => row.GetValueOrDefault(name, "")).ToArray());

    private static IEnumerable<Dictionary<string, string>> Objects(TextSource source, Action<double> report) =>
        source.Lines(report).Where(line => !string.IsNullOrWhiteSpace(line.Text)).Select(line => Parse(source.Path, line.Text, line.Number));

    private static Dictionary<string, string> Parse(string path, string line, long number)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"'{path}', line {number}: expected a JSON object such as {{\"text\": \"...\", \"label\": \"...\"}}, found {document.RootElement.ValueKind}.");
            var row = new Dictionary<string, string>();
            foreach (var property in document.RootElement.EnumerateObject())
                row[property.Name] = Text(property.Value);
            return row;
        }
        // The latter for half of a surrogate pair.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}', line {number} is no JSON object: {e.Message}", e);
        }
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Null => "",
        _ => value.GetRawText(),
    };
}
