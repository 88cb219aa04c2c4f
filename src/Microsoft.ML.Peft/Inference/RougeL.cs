using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// ROUGE-L (Lin 2004) of one text: the F₁ of its longest common subsequence of words with a reference; of several references the best.
/// Words are runs of letters, marks and digits in lower case; all else is left out.
/// </summary>
internal static partial class RougeL
{
    /// <summary>0 to 1.</summary>
    public static double F1(string text, IEnumerable<string> references)
    {
        string[] words = Words(text);
        return references.Select(reference => F1(words, Words(reference))).DefaultIfEmpty(0).Max();
    }

    private static double F1(string[] words, string[] reference)
    {
        int common = LongestCommonSubsequence(words, reference);
        return common == 0 ? 0 : 2.0 * common / (words.Length + reference.Length);
    }

    private static int LongestCommonSubsequence(string[] first, string[] second)
    {
        var above = new int[second.Length + 1];
        var current = new int[second.Length + 1];
        foreach (string word in first)
        {
            for (int i = 0; i < second.Length; i++)
                current[i + 1] = word == second[i] ? above[i] + 1 : Math.Max(above[i + 1], current[i]);
            (above, current) = (current, above);
        }
        return above[^1];
    }

    private static string[] Words(string text) => [.. Word().Matches(text.ToLowerInvariant()).Select(match => match.Value)];

    [GeneratedRegex(@"[\p{L}\p{M}\p{Nd}]+")]
    private static partial Regex Word();
}
