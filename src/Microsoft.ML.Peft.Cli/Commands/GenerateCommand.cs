using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Cli.Output;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Writes with a language model, with or without a soft prompt, as it comes.</summary>
internal static class GenerateCommand
{
    private const string Examples = """
        peftml generate trails.zip --prompt "name: Fern Loop | length: 5 km | difficulty: easy"
        peftml generate --chat --temperature 0.7                    (a conversation with the embedded model)
        peftml generate owner/name:model.Q4_K_M.gguf --prompt "Once upon a time" --max-new-tokens 200
        """;

    private const string DefaultModel = "SmolLM2-135M-Instruct";

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("generate", "Write with a language model, alone or with a soft prompt, piece by piece.", Examples);
        var model = new Argument<string?>("MODEL") { Description = $"A .zip that was trained, an adapter directory, or a language model [default: the embedded {DefaultModel}]", Arity = ArgumentArity.ZeroOrOne };
        var prompt = new Option<string?>("--prompt", "-p") { Description = "What to write on. Without it: lines of the standard input, or what is typed.", HelpName = "TEXT" };
        var baseModel = new Option<string?>("--model") { Description = "For an adapter directory: the frozen model [default: the one that it names]", HelpName = "MODEL" };
        var chat = new Option<bool>("--chat") { Description = "A conversation in the model's own format, which remembers what was said." };
        var raw = new Option<bool>("--raw") { Description = "Take texts as they are, and not in the template that the soft prompt was trained with." };
        var writing = new GenerationArguments();
        verb.Add(model);
        verb.Add(prompt);
        verb.Add(chat);
        verb.Add(raw);
        writing.AddTo(verb);
        verb.Add(baseModel);
        verb.Run(terminal, async (parsed, cancellation) =>
        {
            var texts = parsed.GetValue(prompt) is { } given ? [given] : Texts(terminal, cancellation);
            using var writer = Writer.Load(parsed.GetValue(model) ?? DefaultModel, parsed.GetValue(baseModel), terminal, cancellation);
            if (parsed.GetValue(chat))
                await ChatAsync(terminal, writer.Chat(), texts, writing.Chat(parsed), cancellation);
            else
                await WriteAsync(terminal, writer, texts, parsed.GetValue(raw), writing.Options(parsed, writer.Trained ?? new GenerationOptions()), cancellation);
        });
        return verb;
    }

    private static async Task WriteAsync(Terminal terminal, Writer writer, IEnumerable<string> texts, bool raw, GenerationOptions options, CancellationToken cancellation)
    {
        foreach (string text in texts)
        {
            cancellation.ThrowIfCancellationRequested();
            await ShowAsync(terminal, text, writer.Write(raw ? text : writer.Prompt(text), options, cancellation));
        }
    }

    private static async Task ChatAsync(Terminal terminal, IChatClient client, IEnumerable<string> texts, ChatOptions options, CancellationToken cancellation)
    {
        var conversation = new List<ChatMessage>();
        foreach (string text in texts)
        {
            cancellation.ThrowIfCancellationRequested();
            conversation.Add(new ChatMessage(ChatRole.User, text));
            string answer = await ShowAsync(terminal, text, Pieces(client.GetStreamingResponseAsync(conversation, options, cancellation)));
            conversation.Add(new ChatMessage(ChatRole.Assistant, answer));
        }
    }

    private static async IAsyncEnumerable<string> Pieces(IAsyncEnumerable<ChatResponseUpdate> updates)
    {
        await foreach (var update in updates)
            yield return update.Text;
    }

    /// <summary>Writes the pieces as they come; as JSON, all of them at the end.</summary>
    private static async Task<string> ShowAsync(Terminal terminal, string prompt, IAsyncEnumerable<string> pieces)
    {
        var text = new StringBuilder();
        var clock = Stopwatch.StartNew();
        await foreach (string piece in pieces)
        {
            text.Append(piece);
            if (!terminal.Json)
            {
                terminal.Out.Write(piece);
                terminal.Out.Flush();
            }
        }
        if (terminal.Json)
            terminal.WriteJson(new { Prompt = prompt, Text = text.ToString(), Seconds = Math.Round(clock.Elapsed.TotalSeconds, 3) });
        else
            terminal.Out.WriteLine();
        return text.ToString();
    }

    /// <summary>What is typed, until an empty line; or the lines that are piped in.</summary>
    private static IEnumerable<string> Texts(Terminal terminal, CancellationToken cancellation)
    {
        bool asks = terminal.Terminals is { Input: true, Output: true };
        if (asks)
            terminal.Results.MarkupLine("[grey]Type a text; an empty line ends the program.[/]");
        while (true)
        {
            if (asks)
                terminal.Results.Markup("[bold]>[/] ");
            if (terminal.ReadLine(cancellation) is not { } line || (asks && line.Length == 0))
                yield break;
            if (line.Length > 0)
                yield return line;
        }
    }
}
