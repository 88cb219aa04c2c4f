using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Options whose wrong values are refused with the values that are right.</summary>
internal static class Arguments
{
    /// <summary>A number within bounds; null where it is not given.</summary>
    public static Option<T?> Number<T>(string name, string description, string help, double least = double.NegativeInfinity, double most = double.PositiveInfinity)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = help,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && double.CreateChecked(value) is var number && number >= least && number <= most)
                    return value;
                result.AddError($"{name} is '{text}'; it must be {(default(T) is int or uint ? "a whole number" : "a number")}{Bounds(least, most)}.");
                return null;
            },
        };

    /// <summary>A value of an enumeration, written as it is declared, in lower case; null where it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it says, and its default in brackets; the values are named before that.</param>
    /// <param name="help">What stands for the value in the help.</param>
    public static Option<T?> Choice<T>(string name, string description, string help)
        where T : struct, Enum
    {
        string[] values = [.. Enum.GetNames<T>().Select(value => value.ToLowerInvariant())];
        var option = new Option<T?>(name)
        {
            Description = description.Replace(" [", $": {string.Join(", ", values)} [", StringComparison.Ordinal),
            HelpName = help,
            CustomParser = result => Parse<T>(name, values, result),
        };
        option.CompletionSources.Clear();
        option.CompletionSources.Add(values);
        return option;
    }

    private static T? Parse<T>(string name, string[] values, ArgumentResult result)
        where T : struct, Enum
    {
        string text = result.Tokens[0].Value;
        if (values.Contains(text.ToLowerInvariant()))
            return Enum.Parse<T>(text, ignoreCase: true);
        result.AddError($"{name} is '{text}'; it must be {string.Join(", ", values[..^1])} or {values[^1]}.");
        return null;
    }

    private static string Bounds(double least, double most) => (double.IsFinite(least), double.IsFinite(most)) switch
    {
        (true, true) => $" from {least} to {most}",
        (true, false) => $" of at least {least}",
        (false, true) => $" of at most {most}",
        _ => "",
    };
}
