using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Inference;

/// <summary>A text that is written on: what it starts from, how its tokens are chosen, and those it has so far.</summary>
internal sealed class Writing
{
    private readonly GenerationOptions _options;
    private readonly IReadOnlySet<int> _endIds;
    private readonly TokenSampler _sampler;
    private readonly List<int> _written = [];
    private volatile bool _stopped;

    /// <param name="model">The frozen model.</param>
    /// <param name="prompt">The soft prompt as <see cref="Backbone.Prepare"/> gave it; null for the frozen model alone.</param>
    /// <param name="text">Token ids to write on from, not empty.</param>
    /// <param name="options">How.</param>
    /// <param name="endIds">The tokens that end the text.</param>
    /// <param name="number">What the text's random numbers depend on besides the seed.</param>
    public Writing(LanguageModel model, Prompt? prompt, IReadOnlyList<int> text, GenerationOptions options, IReadOnlySet<int> endIds, int number = 0)
    {
        (Prompt, Text, _options, _endIds) = (prompt, text, options, endIds);
        _sampler = new TokenSampler(options, endIds, model.Continues ? text : [], Mix(options.Seed, number));
    }

    public Prompt? Prompt { get; }

    public IReadOnlyList<int> Text { get; }

    public int MaxNewTokens => _options.MaxNewTokens;

    /// <summary>The new tokens, the end token included.</summary>
    public IReadOnlyList<int> Written => _written;

    /// <summary>Is called after each token, on the thread that writes.</summary>
    public Action? Advanced { get; set; }

    /// <summary>Whether the last token is an end token.</summary>
    public bool HasEnded => _written.Count > 0 && _endIds.Contains(_written[^1]);

    /// <summary>Whether no further token is needed.</summary>
    public bool IsComplete => _stopped || HasEnded || _written.Count == MaxNewTokens;

    /// <summary>Ends the text where it is; from any thread.</summary>
    public void Stop() => _stopped = true;

    /// <summary>Chooses the next token by the model's logits `[V]`, which are changed.</summary>
    public void Advance(Span<float> logits)
    {
        _written.Add(_sampler.Next(logits));
        Advanced?.Invoke();
    }

    /// <summary>The same in every process, unlike the framework's hash codes.</summary>
    private static int Mix(int seed, int number) => unchecked((seed * 16777619) ^ (number * (int)2654435761));
}
