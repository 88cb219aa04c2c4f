namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>What the user says about a file; null for what it says itself.</summary>
/// <param name="Format">How it holds its rows.</param>
/// <param name="Encoding">The name of its encoding.</param>
/// <param name="Separator">What is between two fields.</param>
/// <param name="HasHeader">Whether the first line names the columns.</param>
internal sealed record TableOptions(TableFormat? Format = null, string? Encoding = null, char? Separator = null, bool? HasHeader = null);
