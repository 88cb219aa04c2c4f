using System.Globalization;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>Labels that mean truth values and numbers.</summary>
internal static class LabelText
{
    private static readonly (string True, string False)[] Pairs = [("true", "false"), ("yes", "no"), ("1", "0"), ("y", "n"), ("t", "f"), ("ja", "nein"), ("はい", "いいえ")];

    /// <summary>Whether two values are one of the pairs that say true and false.</summary>
    public static bool IsPair(string first, string second) =>
        Pairs.Any(pair => (Same(first, pair.True) && Same(second, pair.False)) || (Same(first, pair.False) && Same(second, pair.True)));

    public static bool? Boolean(string text)
    {
        if (Pairs.Any(pair => Same(text, pair.True)))
            return true;
        return Pairs.Any(pair => Same(text, pair.False)) ? false : null;
    }

    /// <summary>A number with a decimal point or, where there is no point, a decimal comma.</summary>
    public static float? Number(string text)
    {
        string plain = text.Contains('.') ? text : text.Replace(',', '.');
        return float.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value) ? value : null;
    }

    private static bool Same(string text, string word) => text.Trim().Equals(word, StringComparison.OrdinalIgnoreCase);
}
