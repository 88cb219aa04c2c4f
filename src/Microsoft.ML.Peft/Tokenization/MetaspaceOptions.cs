namespace Microsoft.ML.Peft.Tokenization;

/// <summary>How SentencePiece's visible space is written.</summary>
/// <param name="Replacement">The character that stands for a space.</param>
/// <param name="PrependsFirst">Whether a text that begins the input gets one before it.</param>
/// <param name="PrependsLater">Whether the texts behind added tokens get one as well.</param>
/// <param name="Split">Whether each word is a piece of its own.</param>
internal sealed record MetaspaceOptions(char Replacement, bool PrependsFirst, bool PrependsLater, bool Split)
{
    public static MetaspaceOptions Read(JsonObject json)
    {
        if (json.Text("replacement") is not [char replacement])
            throw json.Unsupported("has a 'replacement' that is not a single character");
        // Files of early versions only say whether they prepend at all.
        string scheme = json.OptionalText("prepend_scheme")
            ?? (json.Flag("add_prefix_space", missing: true) ? "always" : "never");
        if (scheme is not ("always" or "first" or "never"))
            throw json.Unsupported($"has the prepend_scheme '{scheme}', which is not supported");
        return new MetaspaceOptions(
            replacement, scheme != "never", scheme == "always", json.Flag("split", missing: true));
    }
}
