using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The rows to predict on: a file, or the standard input.</summary>
internal sealed class PredictionInput : IDisposable
{
    public const string StandardInput = "-";

    private readonly string? _temporary;

    private PredictionInput(TableFile table, string? temporary = null) => (Table, _temporary) = (table, temporary);

    public TableFile Table { get; }

    /// <summary>Lines of the standard input are predicted on as they come; formats with columns are first copied to a file, because they are read more than once.</summary>
    public static PredictionInput Open(string source, TableOptions options, Terminal terminal, CancellationToken cancellation)
    {
        if (source != StandardInput)
            return new PredictionInput(TableFile.Open(source, options));
        if (options.Format is null or TableFormat.Lines)
            return new PredictionInput(TableFile.OfLines("standard input", () => terminal.ReadLine(cancellation)));
        string temporary = Path.GetTempFileName();
        try
        {
            using (var writer = new StreamWriter(temporary))
            {
                char[] buffer = new char[1 << 16];
                for (int count; (count = terminal.Input.Read(buffer)) > 0;)
                    writer.Write(buffer, 0, count);
            }
            return new PredictionInput(TableFile.Open(temporary, options with { Encoding = "utf-8" }), temporary);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    public void Dispose()
    {
        if (_temporary is not null)
            File.Delete(_temporary);
    }
}
