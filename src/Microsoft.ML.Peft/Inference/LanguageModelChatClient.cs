using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Inference;

/// <summary>Writes on from tokens with a model that the client does not own.</summary>
internal delegate IAsyncEnumerable<string> TokenWriter(
    IReadOnlyList<int> tokens, GenerationOptions options, IReadOnlySet<int> endIds, WritingCount count, CancellationToken cancellationToken);

/// <summary>Answers conversations with a language model in this process.</summary>
internal sealed class LanguageModelChatClient : IChatClient
{
    private readonly object _model;
    private readonly ChatFormat _format;
    private readonly TokenWriter _write;
    private readonly GenerationOptions _defaults;
    private readonly HuggingFaceTokenizer _words;
    private readonly HashSet<int> _endIds;
    private readonly ChatClientMetadata _metadata;

    /// <param name="model">The model, for <see cref="GetService"/>; it stays the caller's.</param>
    /// <param name="backbone">Its frozen model.</param>
    /// <param name="format">How conversations become texts.</param>
    /// <param name="write">Writes with the model.</param>
    /// <param name="defaults">How it writes where nothing is said.</param>
    public LanguageModelChatClient(object model, PretrainedModel backbone, ChatFormat format, TokenWriter write, GenerationOptions? defaults = null)
    {
        (_model, _format, _write, _defaults) = (model, format, write, defaults ?? new GenerationOptions());
        _words = backbone.Words;
        _endIds = [.. backbone.Frozen.EndIds];
        if (format.EndOfTurn is { } token && _words.TokenToId(token) is { } id)
            _endIds.Add(id);
        _metadata = new ChatClientMetadata("PeftMl", defaultModelId: backbone.Name);
    }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = ChatRequest.Create(messages, options, this, _metadata.DefaultModelId!, _defaults);
        string text = _format.Render(request.Turns);
        var tokens = _format.TakesSpecialTokens ? _words.Encode(text).Ids : _words.EncodeToIds(text);
        return AnswerAsync(tokens, request.Options, cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        object[] services = [this, _metadata, _model];
        return serviceKey is null ? services.FirstOrDefault(serviceType.IsInstanceOfType) : null;
    }

    /// <summary>Frees nothing: the model stays its owner's.</summary>
    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync(
        IReadOnlyList<int> tokens, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string id = Guid.NewGuid().ToString("N");
        var time = DateTimeOffset.UtcNow;
        var count = new WritingCount();
        await foreach (string piece in _write(tokens, options, _endIds, count, cancellationToken).ConfigureAwait(false))
            yield return Update(new TextContent(piece));
        var usage = new UsageDetails { InputTokenCount = tokens.Count, OutputTokenCount = count.Tokens, TotalTokenCount = tokens.Count + count.Tokens };
        var last = Update(new UsageContent(usage));
        last.FinishReason = count.Ended ? ChatFinishReason.Stop : ChatFinishReason.Length;
        yield return last;

        ChatResponseUpdate Update(AIContent content) =>
            new(ChatRole.Assistant, [content]) { ResponseId = id, MessageId = id, CreatedAt = time, ModelId = _metadata.DefaultModelId };
    }
}
