namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>How a file holds its rows.</summary>
internal enum TableFormat
{
    /// <summary>Fields with a separator, quoted as RFC 4180 says.</summary>
    Csv,

    /// <summary>Fields with tabs between them; quoted only where the file shows that it quotes.</summary>
    Tsv,

    /// <summary>A JSON object on each line.</summary>
    Jsonl,

    /// <summary>A text on each line.</summary>
    Lines,
}
