using System.CommandLine;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Cli.Output;

/// <summary>What went wrong in one sentence, in the words of the command line.</summary>
internal static partial class Errors
{
    /// <summary>Set to 1, errors are shown with their stack trace: for who mends this program.</summary>
    public const string TraceVariable = "PEFTML_TRACE";

    private const string CheckpointOption = "--checkpoint";

    public static string Sentence(Exception error, IEnumerable<Option> options)
    {
        var cause = Cause(error);
        string message = WithoutParameter().Replace(cause.Message, "").ReplaceLineEndings(" ");
        message = cause switch
        {
            UnauthorizedAccessException when message.StartsWith("Access to the path", StringComparison.Ordinal) => $"{message.TrimEnd('.')}; check its permissions, or choose another place.",
            ArgumentException or IOException or InvalidDataException or NotSupportedException or UnauthorizedAccessException or InvalidOperationException or TimeoutException => message,
            _ => $"{message.TrimEnd('.')} ({cause.GetType().Name}); set {TraceVariable}=1 to see where.",
        };
        // Names of one word are words of the language, too, and stay.
        foreach (var option in options.Where(option => option.Name.Split('-', StringSplitOptions.RemoveEmptyEntries).Length > 1 || option.Name == CheckpointOption))
            message = Regex.Replace(message, $@"\b{ApiName(option.Name)}\b", option.Name);
        return message;
    }

    /// <summary>ML.NET and tasks wrap what a component or a reader of rows throws.</summary>
    private static Exception Cause(Exception error) => error switch
    {
        TargetInvocationException or AggregateException { InnerExceptions.Count: 1 } when error.InnerException is { } inner => Cause(inner),
        InvalidOperationException { InnerException: (InvalidDataException or InvalidOperationException) and var inner } => Cause(inner),
        _ => error,
    };

    /// <summary>What the options classes call an option.</summary>
    private static string ApiName(string option) => option == CheckpointOption
        ? "CheckpointDirectory"
        : string.Concat(option.Split('-', StringSplitOptions.RemoveEmptyEntries).Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    [GeneratedRegex(@" \(Parameter '\w+'\)")]
    private static partial Regex WithoutParameter();
}
