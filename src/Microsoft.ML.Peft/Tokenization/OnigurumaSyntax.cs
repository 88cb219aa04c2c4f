using System.Text;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>
/// Rewrites regular expressions of tokenizer files, which are Oniguruma's, for .NET: possessive quantifiers become atomic
/// groups, anchors match at every line. What the two read differently otherwise is refused.
/// </summary>
internal static class OnigurumaSyntax
{
    /// <exception cref="NotSupportedException">The expression uses syntax that has no counterpart in .NET.</exception>
    public static string Translate(string expression)
    {
        StringBuilder output = new(expression.Length);
        Stack<int> groups = new();
        int atom = 0;
        bool quantified = false;
        for (int i = 0; i < expression.Length;)
        {
            char c = expression[i];
            if (c is '*' or '+' or '?' || IsInterval(expression, i))
            {
                int end = c == '{' ? expression.IndexOf('}', i) + 1 : i + 1;
                AppendQuantifier(output, atom, expression[i..end], ref quantified);
                i = end;
                continue;
            }
            int start = output.Length;
            quantified = false;
            i = c switch
            {
                '(' => OpenGroup(expression, i, output, groups),
                '[' => CopyClass(expression, i, output),
                '\\' => CopyEscape(expression, i, output),
                '^' => Replace("(?m:^)"),
                '$' => Replace("(?m:$)"),
                _ => Replace(Checked(expression, c).ToString()),
            };
            atom = c == ')' && groups.Count > 0 ? groups.Pop() : start;

            int Replace(string text)
            {
                output.Append(text);
                return i + 1;
            }
        }
        return output.ToString();
    }

    private static void AppendQuantifier(StringBuilder output, int atom, string quantifier, ref bool quantified)
    {
        // A quantifier on a quantifier: '?' makes it lazy as in .NET, '+' possessive; after '{n,m}' a '+' repeats it.
        if (!quantified || quantifier == "?")
            output.Append(quantifier);
        else if (quantifier == "+" && output[^1] != '}')
            output.Insert(atom, "(?>").Append(')');
        else
            output.Insert(atom, "(?:").Append(')').Append(quantifier);
        quantified = true;
    }

    private static bool IsInterval(string expression, int index) =>
        expression[index] == '{' && index + 1 < expression.Length && expression.IndexOf('}', index) > 0
        && (char.IsAsciiDigit(expression[index + 1]) || expression[index + 1] == ',');

    private static int OpenGroup(string expression, int index, StringBuilder output, Stack<int> groups)
    {
        groups.Push(output.Length);
        int end = index + 1;
        if (end < expression.Length && expression[end] == '?')
        {
            end++;
            while (end < expression.Length && (expression[end] is ':' or '=' or '!' or '>' or '<' or '-'
                || char.IsAsciiLetter(expression[end])))
            {
                if (expression[end++] is ':' or '=' or '!' or '>')
                    break;
            }
            // Oniguruma's 'm' lets the dot match line ends, which is 's' in .NET.
            if (expression[index..end] is var group && !group.StartsWith("(?<", StringComparison.Ordinal) && group.Contains('m'))
                throw Unsupported(expression, "the option 'm'");
        }
        output.Append(expression, index, end - index);
        return end;
    }

    private static int CopyEscape(string expression, int index, StringBuilder output)
    {
        if (index + 1 >= expression.Length)
            throw Unsupported(expression, "a '\\' at its end");
        char escaped = expression[index + 1];
        if (escaped is 'h' or 'H' or 'R' or 'X' or 'K' or 'g' or 'y' or 'Y' or 'O' or 'N')
            throw Unsupported(expression, $"'\\{escaped}'");
        int end = index + 2;
        if (escaped is 'p' or 'P' && end < expression.Length && expression[end] == '{')
            end = expression.IndexOf('}', end) + 1;
        if (end == 0)
            throw Unsupported(expression, $"'\\{escaped}' without an end");
        output.Append(expression, index, end - index);
        return end;
    }

    private static int CopyClass(string expression, int index, StringBuilder output)
    {
        int i = index + 1;
        output.Append('[');
        if (i < expression.Length && expression[i] == '^')
            output.Append(expression[i++]);
        while (i < expression.Length && expression[i] != ']')
        {
            if (expression[i] == '\\')
            {
                i = CopyEscape(expression, i, output);
                continue;
            }
            if (expression[i] == '[' || expression.AsSpan(i).StartsWith("&&"))
                throw Unsupported(expression, "a class within a class");
            output.Append(Checked(expression, expression[i++]));
        }
        if (i >= expression.Length)
            throw Unsupported(expression, "a '[' without its ']'");
        output.Append(']');
        return i + 1;
    }

    private static char Checked(string expression, char c) => char.IsSurrogate(c)
        ? throw Unsupported(expression, "a character beyond U+FFFF")
        : c;

    private static NotSupportedException Unsupported(string expression, string what) =>
        new($"the regular expression '{expression}' is not supported: it holds {what}");
}
