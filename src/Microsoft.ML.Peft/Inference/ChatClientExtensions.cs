using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

/// <summary>Language models as chat clients of Microsoft.Extensions.AI.</summary>
/// <remarks>
/// <para>
/// A conversation becomes a text in the format of the model's own `chat_template` (`tokenizer_config.json`, `chat_template.jinja`, or a GGUF
/// file's `tokenizer.chat_template`). The template is not run but recognised: ChatML (SmolLM2, Qwen), Llama 3, Gemma, Llama 2, Mistral,
/// Phi-3, Phi-4 and Zephyr. Without a template, or with another one, what is said is put together line by line. As with Hugging Face, special
/// tokens that stand in a message count as such.
/// </para>
/// <para>
/// Of <see cref="ChatOptions"/> Temperature, TopK, TopP, MaxOutputTokens, StopSequences, Seed and Instructions are taken; the defaults are those of
/// <see cref="GenerationOptions"/>, and one that RawRepresentationFactory makes gives what ChatOptions has no place for. What is not
/// supported (tools, JSON, penalties, images, …) is refused with a <see cref="NotSupportedException"/>. Clients can be used from many
/// threads at a time. The model stays the caller's and must outlive its client.
/// </para>
/// </remarks>
public static class ChatClientExtensions
{
    /// <summary>A chat client over a frozen language model without a soft prompt.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="InvalidOperationException">The model is an encoder.</exception>
    public static IChatClient AsChatClient(this PretrainedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _ = new TextWriting(model, null);       // refuses an encoder
        return new LanguageModelChatClient(model, model, Format(model), model.StreamAsync);
    }

    /// <summary>
    /// A chat client over a language model with its soft prompt. One that was trained in a pipeline takes what users say in its own prompt
    /// template, and its own generation options as defaults.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <exception cref="InvalidOperationException">The model classifies.</exception>
    /// <exception cref="NotSupportedException">The model was trained on pairs of texts.</exception>
    public static IChatClient AsChatClient(this PeftModel model) => AsChatClient(model, PeftModel.DefaultAdapter);

    /// <summary>A chat client over a language model with one of its adapters, as <see cref="AsChatClient(PeftModel)"/> is with its own. It looks the adapter up for each answer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="adapter">The adapter's name.</param>
    /// <exception cref="KeyNotFoundException">There is no adapter of that name.</exception>
    /// <exception cref="InvalidOperationException">The adapter classifies.</exception>
    /// <exception cref="NotSupportedException">The adapter was trained on pairs of texts.</exception>
    public static IChatClient AsChatClient(this PeftModel model, string adapter)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(adapter);
        using var lease = new AdapterLease(model.Adapters, [adapter]);
        var (known, loaded) = lease.Entered[0];
        _ = loaded!.Writing(model.Backbone);      // refuses one that classifies
        var format = known!.Generation is { } trained ? ChatFormats.FromTemplate(trained.PromptTemplate) : Format(model.Backbone);
        return new LanguageModelChatClient(
            model, model.Backbone, format,
            (tokens, options, endIds, count, cancellationToken) => model.StreamAsync(adapter, tokens, options, endIds, count, cancellationToken), known.Generation?.Options);
    }

    private static ChatFormat Format(PretrainedModel model) => ChatFormats.Recognize(model.Frozen.ChatTemplate, model.Words);
}
