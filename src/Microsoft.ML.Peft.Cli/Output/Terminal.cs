using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Output;

/// <summary>
/// Where a command reads and writes. Results go to the output, all that is said on the way to the error stream: a redirected output holds
/// results alone.
/// </summary>
internal sealed class Terminal
{
    private const int RedirectedWidth = 160;

    private static readonly JsonSerializerOptions JsonFormat = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DictionaryKeyPolicy = null,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly Lazy<IAnsiConsole> _results;
    private readonly Lazy<IAnsiConsole> _notes;

    /// <param name="input">What is read.</param>
    /// <param name="output">Where results go.</param>
    /// <param name="error">Where all else goes.</param>
    /// <param name="terminals">Which of the three are terminals.</param>
    public Terminal(TextReader input, TextWriter output, TextWriter error, (bool Input, bool Output, bool Error) terminals = default)
    {
        (Input, Out, Error, Terminals) = (input, output, error, terminals);
        _results = new Lazy<IAnsiConsole>(() => Create(output, terminals.Output));
        _notes = new Lazy<IAnsiConsole>(() => Create(error, terminals.Error));
    }

    public TextReader Input { get; }

    public TextWriter Out { get; }

    public TextWriter Error { get; }

    /// <summary>Which streams are terminals, where a person reads and types.</summary>
    public (bool Input, bool Output, bool Error) Terminals { get; }

    /// <summary>Whether results are JSON.</summary>
    public bool Json { get; set; }

    /// <summary>Whether nothing but results and errors is said.</summary>
    public bool Quiet { get; set; }

    /// <summary>For results.</summary>
    public IAnsiConsole Results => _results.Value;

    /// <summary>For what is said on the way.</summary>
    public IAnsiConsole Notes => _notes.Value;

    public bool ShowsProgress => Terminals.Error && !Quiet;

    public static Terminal OfConsole()
    {
        if (Console.IsOutputRedirected || OperatingSystem.IsWindows())
            Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new Terminal(Console.In, Console.Out, Console.Error, (!Console.IsInputRedirected, !Console.IsOutputRedirected, !Console.IsErrorRedirected));
    }

    /// <summary>Says something on the way, in a line.</summary>
    public void Note(string line)
    {
        if (!Quiet)
            Notes.WriteLine(line);
    }

    /// <summary>The next line of the input, or null at its end; an interruption does not wait for it.</summary>
    public string? ReadLine(CancellationToken cancellation) => Task.Run(Input.ReadLine, cancellation).WaitAsync(cancellation).GetAwaiter().GetResult();

    /// <summary>Writes a value as one line of JSON.</summary>
    public void WriteJson(object value) => Out.WriteLine(ToJson(value));

    public static string ToJson(object value) => JsonSerializer.Serialize(value, value.GetType(), JsonFormat);

    private static IAnsiConsole Create(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isTerminal)
            console.Profile.Width = RedirectedWidth;
        return console;
    }
}
