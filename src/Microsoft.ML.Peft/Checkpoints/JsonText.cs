using System.Text;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>JSON strings as other libraries' writers escape them, so that files are equal byte for byte.</summary>
internal static class JsonText
{
    /// <summary>A JSON string literal.</summary>
    /// <param name="text">The text.</param>
    /// <param name="asciiOnly">True to escape all but printable ASCII as Python does; false to escape only what JSON demands, as Rust does.</param>
    public static string Quote(string text, bool asciiOnly = false)
    {
        var literal = new StringBuilder("\"", text.Length + 2);
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' or '\\' => literal.Append('\\').Append(c),
                '\b' => literal.Append("\\b"),
                '\f' => literal.Append("\\f"),
                '\n' => literal.Append("\\n"),
                '\r' => literal.Append("\\r"),
                '\t' => literal.Append("\\t"),
                < ' ' => literal.Append($"\\u{(int)c:x4}"),
                > '~' when asciiOnly => literal.Append($"\\u{(int)c:x4}"),
                _ => literal.Append(c),
            };
        }

        return literal.Append('"').ToString();
    }
}
