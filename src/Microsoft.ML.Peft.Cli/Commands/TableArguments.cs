using System.CommandLine;
using Microsoft.ML.Peft.Cli.Data;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The options of all commands that read rows.</summary>
internal sealed class TableArguments
{
    private readonly Option<string?> _text = new("--text-col") { Description = "The column with the texts [default: found in the file]", HelpName = "NAME" };
    private readonly Option<string?> _secondText = new("--second-text-col") { Description = "A second text column for pairs, such as question and answer [default: none]", HelpName = "NAME" };
    private readonly Option<string?> _label = new("--label-col") { Description = "The column with the labels [default: found in the file]", HelpName = "NAME" };
    private readonly Option<TableFormat?> _format = Arguments.Choice<TableFormat>("--format", "How the file holds its rows [default: by its ending]", "FORMAT");
    private readonly Option<string?> _encoding = new("--encoding") { Description = "The file's encoding, such as windows-1252 or shift_jis [default: by its byte order mark, else UTF-8]", HelpName = "NAME" };
    private readonly Option<string?> _separator = new("--separator") { Description = "What is between two fields: a character, or tab [default: found in the file]", HelpName = "CHAR" };
    private readonly Option<string?> _header = new("--header") { Description = "Whether the first line names the columns: yes or no (columns are then named 1, 2, ...)", HelpName = "yes|no" };

    public TableArguments()
    {
        _header.AcceptOnlyFromAmong("yes", "no");
        _separator.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && Character(text) is null)
                result.AddError($"--separator is '{text}'; it must be one ASCII character, or tab.");
        });
    }

    public void AddTo(Verb verb, bool labels = true)
    {
        verb.Add(_text);
        verb.Add(_secondText);
        if (labels)
            verb.Add(_label);
        verb.Add(_format);
        verb.Add(_encoding);
        verb.Add(_separator);
        verb.Add(_header);
    }

    /// <summary>The columns that are named.</summary>
    public (string? Text, string? Second, string? Label) Columns(ParseResult parsed) => (parsed.GetValue(_text), parsed.GetValue(_secondText), parsed.GetValue(_label));

    public TableOptions Options(ParseResult parsed) => new(
        parsed.GetValue(_format), parsed.GetValue(_encoding), parsed.GetValue(_separator) is { } separator ? Character(separator) : null,
        parsed.GetValue(_header) switch { "yes" => true, "no" => false, _ => null });

    private static char? Character(string text) => text switch
    {
        "tab" or "\\t" => '\t',
        [var one] when char.IsAscii(one) => one,
        _ => null,
    };
}
