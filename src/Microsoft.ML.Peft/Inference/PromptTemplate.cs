using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// What a language model is given to write on from: a fixed text with the places `{text}` and, for pairs, `{second}`. All other
/// characters, braces included, stand for themselves.
/// </summary>
internal sealed class PromptTemplate
{
    private const string TextPlace = "{text}";
    private const string SecondPlace = "{second}";

    private readonly string _template;
    private readonly (string Place, int Start)[] _places;

    private PromptTemplate(string template, (string Place, int Start)[] places) => (_template, _places) = (template, places);

    /// <summary>Whether it has a place for a second text.</summary>
    public bool TakesPairs => _places.Length == 2;

    public override string ToString() => _template;

    /// <summary>The template that is taken where none is given.</summary>
    /// <param name="pairs">Whether there are second texts.</param>
    /// <param name="continued">Whether the model writes on from the prompt, so that something must show where it ends.</param>
    public static string Default(bool pairs, bool continued = true) => (pairs ? "{text}\n{second}" : "{text}") + (continued ? "\n" : "");

    /// <exception cref="ArgumentException">A place is missing or stands twice.</exception>
    public static PromptTemplate Parse(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        var places = new[] { TextPlace, SecondPlace }.SelectMany(place => Find(template, place)).OrderBy(place => place.Start).ToArray();
        if (places.Count(place => place.Place == TextPlace) != 1)
            throw new ArgumentException($"The prompt template '{template}' must hold {TextPlace} once, where the text goes.");
        if (places.Length > 2)
            throw new ArgumentException($"The prompt template '{template}' holds {SecondPlace} more than once; the second text has one place.");
        return new PromptTemplate(template, places);
    }

    /// <summary>The template with the texts in their places.</summary>
    public string Render(string text, string? secondText)
    {
        var rendered = new System.Text.StringBuilder();
        int at = 0;
        foreach (var (place, start) in _places)
        {
            rendered.Append(_template, at, start - at).Append(place == TextPlace ? text : secondText);
            at = start + place.Length;
        }
        return rendered.Append(_template, at, _template.Length - at).ToString();
    }

    /// <summary>
    /// The rendered prompt in at most <paramref name="maxTokens"/> tokens, special tokens included: texts are cut at their ends, the longer one
    /// first, and the template's own text stays.
    /// </summary>
    /// <exception cref="ArgumentException">There is no room even for the template with empty texts.</exception>
    public RenderedPrompt Fit(HuggingFaceTokenizer words, string text, string? secondText, int maxTokens)
    {
        var whole = Encode(words, text, secondText, truncated: false);
        if (whole.Ids.Count <= maxTokens)
            return whole;
        int first = words.CountTokens(text), second = secondText is null ? 0 : words.CountTokens(secondText);
        int room = first + second, excess = whole.Ids.Count - maxTokens;
        while (room > 0)
        {
            room = Math.Max(0, room - excess);
            int shorter = Math.Min(Math.Min(first, second), room / 2);
            var (firstRoom, secondRoom) = first <= second ? (shorter, room - shorter) : (room - shorter, shorter);
            var cut = Encode(words, Cut(words, text, firstRoom), secondText is null ? null : Cut(words, secondText, secondRoom), truncated: true);
            if (cut.Ids.Count <= maxTokens)
                return cut;
            // Tokens that were split where the text was cut, or joined with the template, may leave a few too many.
            excess = cut.Ids.Count - maxTokens;
        }
        throw new ArgumentException(
            $"The prompt template '{_template}' takes {Encode(words, "", secondText is null ? null : "", false).Ids.Count} tokens by itself, but only {maxTokens} are left for the prompt; " +
            "use a shorter template, fewer virtual tokens, or more MaxTokens.");
    }

    private RenderedPrompt Encode(HuggingFaceTokenizer words, string text, string? secondText, bool truncated)
    {
        string rendered = Render(text, secondText);
        return new RenderedPrompt(_template, rendered, words.Encode(rendered).Ids, truncated);
    }

    private static string Cut(HuggingFaceTokenizer words, string text, int tokens) =>
        tokens <= 0 ? "" : text[..words.GetIndexByTokenCount(text, tokens, out _, out _)];

    private static IEnumerable<(string Place, int Start)> Find(string template, string place)
    {
        for (int at = template.IndexOf(place, StringComparison.Ordinal); at >= 0; at = template.IndexOf(place, at + place.Length, StringComparison.Ordinal))
            yield return (place, at);
    }
}

/// <summary>A prompt to write on from.</summary>
/// <param name="Template">What it was made from.</param>
/// <param name="Text">As text.</param>
/// <param name="Ids">As token ids, special tokens included.</param>
/// <param name="Truncated">Whether a text was cut.</param>
internal sealed record RenderedPrompt(string Template, string Text, IReadOnlyList<int> Ids, bool Truncated)
{
    /// <summary>As a text of which no other template is made.</summary>
    public TokenizedText Tokens => new([.. Ids], new int[Ids.Count], Truncated);
}
