using System.Text;

namespace Microsoft.ML.Peft.Inference;

/// <summary>One message of a conversation.</summary>
internal sealed record ChatTurn(ChatSpeaker Speaker, string Text);

/// <summary>Who says something in a conversation.</summary>
internal enum ChatSpeaker { System, User, Assistant }

/// <summary>How a conversation becomes the text that a model writes on from. In each turn's text `{content}` is the place of what is said.</summary>
/// <param name="Name">For errors and tests.</param>
/// <param name="User">What a user says.</param>
/// <param name="Assistant">What the model has said.</param>
/// <param name="Answer">What the model's next turn begins with.</param>
internal sealed record ChatFormat(string Name, string User, string Assistant, string Answer)
{
    private const string Content = "{content}";

    /// <summary>What the conversation begins with.</summary>
    public string Begin { get; init; } = "";

    /// <summary>What the system says; null where this has no turn of its own and goes, as in <see cref="SystemInUser"/>, before what the user says next.</summary>
    public string? System { get; init; }

    /// <summary>With the place `{system}`.</summary>
    public string SystemInUser { get; init; } = "{system}\n\n";

    /// <summary>What the system says where the conversation does not begin with it.</summary>
    public string? DefaultSystem { get; init; }

    /// <summary>The token that ends the model's turn, besides those that end any text.</summary>
    public string? EndOfTurn { get; init; }

    /// <summary>Whether white space around what is said is taken away.</summary>
    public bool Trims { get; init; }

    /// <summary>Whether the tokenizer adds its own special tokens, because the format has none.</summary>
    public bool TakesSpecialTokens { get; init; }

    /// <summary>The text of a conversation up to the model's next turn.</summary>
    /// <exception cref="ArgumentException">There is nobody to answer.</exception>
    public string Render(IReadOnlyList<ChatTurn> turns)
    {
        var text = new StringBuilder(Begin);
        if (DefaultSystem is not null && (turns.Count == 0 || turns[0].Speaker != ChatSpeaker.System))
            turns = [new(ChatSpeaker.System, DefaultSystem), .. turns];
        string before = "";
        foreach (var (speaker, said) in turns)
        {
            string content = Trims ? said.Trim() : said;
            if (speaker == ChatSpeaker.System && System is null)
            {
                before += SystemInUser.Replace("{system}", content, StringComparison.Ordinal);
                continue;
            }
            if (speaker == ChatSpeaker.User)
                (content, before) = (before + content, "");
            text.Append(Turn(speaker).Replace(Content, content, StringComparison.Ordinal));
        }
        if (before.Length > 0 || !turns.Any(turn => turn.Speaker != ChatSpeaker.System))
            throw new ArgumentException("The conversation has no user message after the last system message; add one.", nameof(turns));
        return text.Append(Answer).ToString();
    }

    private string Turn(ChatSpeaker speaker) => speaker switch
    {
        ChatSpeaker.System => System!,
        ChatSpeaker.User => User,
        _ => Assistant,
    };
}
