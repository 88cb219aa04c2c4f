using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Checkpoints;

namespace Microsoft.ML.Peft.AutoML.Reports;

/// <summary>Puts the page, its style and programs and the search's data together in one file.</summary>
internal static class ReportPage
{
    // The default encoder escapes <, > and &: text from trials can neither end the script element nor be read as HTML.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.Strict,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>The page up to where the data comes, and after it.</summary>
    private static readonly Lazy<(byte[] Before, byte[] After)> Parts = new(() =>
    {
        string[] parts = Resource("report.html")
            .Replace("/* report.css */", Resource("report.css"), StringComparison.Ordinal)
            .Replace("/* echarts.min.js */", Resource("echarts.min.js"), StringComparison.Ordinal)
            .Replace("/* charts.js */", Resource("charts.js"), StringComparison.Ordinal)
            .Replace("/* report.js */", Resource("report.js"), StringComparison.Ordinal)
            .Split("/* data */");
        return (Encoding.UTF8.GetBytes(parts[0]), Encoding.UTF8.GetBytes(parts[1]));
    });

    public static void Write(string path, ReportData data) => AtomicFile.Write(path, stream =>
    {
        stream.Write(Parts.Value.Before);
        JsonSerializer.Serialize(stream, data, Json);
        stream.Write(Parts.Value.After);
    });

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(ReportPage).Assembly.GetManifestResourceStream(name)!, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
