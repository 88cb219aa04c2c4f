using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>The messages that docs/errors.md explains are ones that the code has.</summary>
public sealed class ErrorsPageTests
{
    private const char Hole = '…';

    [Fact]
    public void Each_message_is_one_of_the_code()
    {
        var messages = Directory.EnumerateFiles(Path.Combine(MarkdownFile.Repository, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .SelectMany(path => Texts(CSharpSyntaxTree.ParseText(File.ReadAllText(path)).GetRoot())).Distinct().ToList();
        var explained = MarkdownFile.Read("docs/errors.md").RowsUnder("Messages").Select(row => row[0].Codes.Single()).ToList();
        Assert.NotEmpty(explained);
        Problems.AreNone(explained.Where(pattern => !messages.Exists(message => Fits(message, pattern))));
    }

    /// <summary>The parts between holes stand in the message, in this order.</summary>
    private static bool Fits(string message, string pattern)
    {
        int at = 0;
        foreach (string part in pattern.Split(Hole, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int found = message.IndexOf(part, at, StringComparison.Ordinal);
            if (found < 0)
                return false;
            at = found + part.Length;
        }
        return true;
    }

    /// <summary>All texts in a file, with a hole where a value goes.</summary>
    private static IEnumerable<string> Texts(SyntaxNode root) => root.DescendantNodes()
        .Where(node => node is LiteralExpressionSyntax { RawKind: (int)SyntaxKind.StringLiteralExpression } or InterpolatedStringExpressionSyntax && !IsPart(node))
        .Select(node => Text(Whole(node)));

    /// <summary>Whether a text continues one before it.</summary>
    private static bool IsPart(SyntaxNode node) => node.Parent is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum && sum.Right == node;

    private static SyntaxNode Whole(SyntaxNode node) => node.Parent is BinaryExpressionSyntax { RawKind: (int)SyntaxKind.AddExpression } sum ? Whole(sum) : node;

    private static string Text(SyntaxNode node) => node switch
    {
        LiteralExpressionSyntax literal => literal.Token.ValueText,
        InterpolatedStringExpressionSyntax text => string.Concat(text.Contents.Select(part => part is InterpolatedStringTextSyntax fixedPart ? fixedPart.TextToken.ValueText : Hole.ToString())),
        BinaryExpressionSyntax sum => Text(sum.Left) + Text(sum.Right),
        _ => Hole.ToString(),
    };
}
