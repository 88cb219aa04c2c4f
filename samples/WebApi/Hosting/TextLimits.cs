namespace WebApi.Hosting;

internal static class TextLimits
{
    /// <exception cref="RequestException">The text is empty or too long.</exception>
    public static void Check(string? text, Settings settings)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw new RequestException(StatusCodes.Status400BadRequest, "A text is empty; give at least one character that is no space.");
        if (text.Length > settings.MaxTextLength)
            throw new RequestException(StatusCodes.Status400BadRequest, $"A text has {text.Length} characters; shorten it to {settings.MaxTextLength}.");
    }
}
