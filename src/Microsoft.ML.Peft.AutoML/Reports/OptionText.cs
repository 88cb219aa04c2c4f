using System.Globalization;

namespace Microsoft.ML.Peft.AutoML.Reports;

/// <summary>A value of an option as a person reads it; three digits of a fraction tell trials apart.</summary>
internal static class OptionText
{
    public static string Of(object? value) => value switch
    {
        null => "default",
        bool truth => truth ? "true" : "false",
        double number => number.ToString("G3", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
