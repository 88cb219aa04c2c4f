namespace Microsoft.ML.Peft.Tokenization;

/// <summary>Reads the <c>pattern</c> of a component: a literal or a regular expression.</summary>
internal static class PatternReader
{
    public static TextPattern Read(JsonObject component)
    {
        JsonObject pattern = component.Object("pattern");
        if (pattern.OptionalText("String") is string literal)
            return TextPattern.FromLiteral(literal);
        try
        {
            return TextPattern.FromRegex(pattern.Text("Regex"));
        }
        catch (NotSupportedException e)
        {
            throw component.Unsupported($"cannot be used, {e.Message}");
        }
    }
}
