using System.Text.RegularExpressions;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// The formats of conversations that are known. A model's own `chat_template` is a program (Jinja); it is not run, but recognised by the
/// marks that it writes.
/// </summary>
internal static partial class ChatFormats
{
    /// <summary>For models without a template, or with one that is not known: what is said, line by line.</summary>
    public static ChatFormat Plain { get; } = new("plain", "{content}\n", "{content}\n", "") { System = "{content}\n", TakesSpecialTokens = true };

    /// <summary>The format of a model's template.</summary>
    public static ChatFormat Recognize(string? template, HuggingFaceTokenizer tokenizer)
    {
        string? Token(int? id) => id is { } known ? tokenizer.IdToToken(known) : null;
        return Recognize(template, Token(tokenizer.BosId), Token(tokenizer.EosId));
    }

    /// <summary>The format of a template.</summary>
    /// <param name="template">The model's `chat_template`, or null.</param>
    /// <param name="begin">The text of the tokenizer's begin token, or null.</param>
    /// <param name="end">The text of the tokenizer's end token, or null.</param>
    public static ChatFormat Recognize(string? template, string? begin, string? end)
    {
        if (template is null)
            return Plain;
        end ??= "";
        var format = Marked(template, begin ?? "", end);
        return template.Contains("bos_token", StringComparison.Ordinal) && format != Plain ? format with { Begin = begin ?? "" } : format;
    }

    /// <summary>The format of an adapter that was trained with a prompt template: what a user says is its text, what the model said follows.</summary>
    /// <exception cref="NotSupportedException">The template takes pairs.</exception>
    public static ChatFormat FromTemplate(string template) => PromptTemplate.Parse(template).TakesPairs
        ? throw new NotSupportedException($"The model was trained to write on pairs of texts, with the prompt template '{template}'; a chat client has only one for it. Use Generate.")
        : new("adapter", template.Replace("{text}", "{content}", StringComparison.Ordinal), "{content}\n", "") { SystemInUser = "{system}\n", TakesSpecialTokens = true };

    private static ChatFormat Marked(string template, string begin, string end)
    {
        bool Has(string mark) => template.Contains(mark, StringComparison.Ordinal);
        if (Has("<|im_sep|>"))
            return Tagged("Phi-4", "<|im_start|>{0}<|im_sep|>", "<|im_end|>");
        if (Has("<|im_start|>"))
            return Tagged("ChatML", "<|im_start|>{0}\n", "<|im_end|>", "\n") with { DefaultSystem = DefaultSystem(template) };
        if (Has("<|start_header_id|>"))
            return Tagged("Llama 3", "<|start_header_id|>{0}<|end_header_id|>\n\n", "<|eot_id|>") with { Trims = true };
        if (Has("<start_of_turn>"))
            return Tagged("Gemma", "<start_of_turn>{0}\n", "<end_of_turn>", "\n", "model") with { System = null, Trims = true };
        if (Has("<|end|>") && PhiTag().IsMatch(template))
            return Tagged("Phi-3", "<|{0}|>\n", "<|end|>", "\n");
        if (Has("<|assistant|>") && Has("eos_token"))
            return Tagged("Zephyr", "<|{0}|>\n", end, "\n") with { EndOfTurn = null };
        if (Has("<<SYS>>"))
            return new("Llama 2", "[INST] {content} [/INST]", $" {{content}} {end}{begin}", "") { SystemInUser = "<<SYS>>\n{system}\n<</SYS>>\n\n", Trims = true };
        return Has("[INST]") ? Mistral(template, end) : Plain;
    }

    /// <summary>Each turn begins with a tag that names who speaks.</summary>
    private static ChatFormat Tagged(string name, string tag, string endOfTurn, string between = "", string assistant = "assistant")
    {
        string Turn(string speaker) => tag.Replace("{0}", speaker, StringComparison.Ordinal) + "{content}" + endOfTurn + between;
        return new(name, Turn("user"), Turn(assistant), tag.Replace("{0}", assistant, StringComparison.Ordinal)) { System = Turn("system"), EndOfTurn = endOfTurn };
    }

    /// <summary>Mistral's templates differ in their spaces, and these in the tokens that come of them.</summary>
    private static ChatFormat Mistral(string template, string end)
    {
        string open = template.Contains("[INST] ", StringComparison.Ordinal) ? "[INST] " : "[INST]";
        string close = template.Contains(" [/INST]", StringComparison.Ordinal) ? " [/INST]" : "[/INST]";
        string before = SpaceBeforeAnswer().IsMatch(template) ? " " : "", after = SpaceAfterAnswer().IsMatch(template) ? " " : "";
        return new("Mistral", open + "{content}" + close, $"{before}{{content}}{end}{after}", "");
    }

    private static string? DefaultSystem(string template) => LiteralSystem().Match(template) is { Success: true } match ? match.Groups[1].Value : null;

    // A line break is two characters in some files and one in others.
    [GeneratedRegex("""<\|im_start\|>system(?:\\n|\n)([^<>'"{}\\]+)<\|im_end\|>""")]
    private static partial Regex LiteralSystem();

    [GeneratedRegex("""\|>(?:['"]\s*\+\s*['"])?(?:\\n|\n)""")]
    private static partial Regex PhiTag();

    [GeneratedRegex("""(?:'\s'|"\s")\s*\+\s*message""")]
    private static partial Regex SpaceBeforeAnswer();

    [GeneratedRegex("""eos_token\s*\+\s*(?:'\s'|"\s")""")]
    private static partial Regex SpaceAfterAnswer();
}
