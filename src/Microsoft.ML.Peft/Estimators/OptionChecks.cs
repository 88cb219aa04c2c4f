namespace Microsoft.ML.Peft.Estimators;

/// <summary>Refuses a bad option with its name, its value and the allowed range.</summary>
internal static class OptionChecks
{
    public static void AtLeast(string option, int? value, int least)
    {
        if (value < least)
            throw OutOfRange(option, value, $"at least {least}");
    }

    public static void Between(string option, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
            throw OutOfRange(option, value, $"from {FormattableString.Invariant($"{least} to {most}")}");
    }

    public static void NotNegative(string option, double value)
    {
        if (!(value >= 0 && double.IsFinite(value)))
            throw OutOfRange(option, value, "a number of at least 0");
    }

    public static void Positive(string option, double? value)
    {
        if (value is { } number && !(number > 0 && double.IsFinite(number)))
            throw OutOfRange(option, value, "a number above 0");
    }

    public static void LearningRate(string option, double? value)
    {
        const double most = 1000;
        if (value is { } number && !(number is > 0 and <= most))
            throw OutOfRange(option, value, FormattableString.Invariant($"above 0 and at most {most}"));
    }

    public static void Defined<T>(string option, T value) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw OutOfRange(option, value, string.Join(", ", Enum.GetNames<T>()));
    }

    public static void Named(string option, string? value)
    {
        if (string.IsNullOrWhiteSpace(value))
            throw new ArgumentException($"{option} is {(value is null ? "null" : "empty")}; it must be a name.", option);
    }

    public static void NullOrNotEmpty(string option, string? value)
    {
        if (value is not null && string.IsNullOrWhiteSpace(value))
            throw new ArgumentException($"{option} is empty; leave it null or give it a value.", option);
    }

    private static ArgumentOutOfRangeException OutOfRange(string option, object? value, string range)
        => new(option, FormattableString.Invariant($"{option} is {value}; it must be {range}."));
}
