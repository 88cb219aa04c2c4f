using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>C# names and literals for whatever a file, a folder or a column is called.</summary>
internal static class CSharpName
{
    private const int Longest = 60;

    /// <summary>A text as C# that stands for it.</summary>
    public static string Literal(string text) => SymbolDisplay.FormatLiteral(text, quote: true);

    /// <summary>The letters and digits of a text, each word with a capital letter: an identifier that is no keyword.</summary>
    /// <param name="text">The text.</param>
    /// <param name="fallback">The identifier of a text without letters, and what stands before a digit.</param>
    public static string Of(string text, string fallback)
    {
        var name = new StringBuilder();
        bool begins = true;
        foreach (char c in text)
        {
            if (char.IsLetterOrDigit(c) && name.Length < Longest)
            {
                if (name.Length == 0 && char.IsDigit(c))
                    name.Append(fallback);
                name.Append(begins ? char.ToUpperInvariant(c) : c);
            }
            begins = !char.IsLetterOrDigit(c);
        }
        return name.Length == 0 ? fallback : name.ToString();
    }

    /// <summary>The name, with a number behind it if it is taken; upper and lower case count as the same.</summary>
    public static string Apart(string name, IReadOnlyCollection<string> taken)
    {
        string free = name;
        for (int i = 2; taken.Contains(free, StringComparer.OrdinalIgnoreCase); i++)
            free = $"{name}{i}";
        return free;
    }

    /// <summary>All identifiers in some code: names that would hide what it means.</summary>
    public static IReadOnlySet<string> In(IEnumerable<string> sources) => sources
        .SelectMany(source => CSharpSyntaxTree.ParseText(source).GetRoot().DescendantTokens(descendIntoTrivia: true))
        .Where(token => token.IsKind(SyntaxKind.IdentifierToken))
        .Select(token => token.ValueText)
        .ToHashSet();
}
