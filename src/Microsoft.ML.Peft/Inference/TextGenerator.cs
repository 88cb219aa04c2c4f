using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Inference;

/// <summary>Writes on from some texts at a time, token by token. Texts that have ended leave the batch.</summary>
internal sealed class TextGenerator : IDisposable
{
    private readonly GenerationOptions _options;
    private readonly IReadOnlySet<int> _endIds;
    private readonly TokenSampler[] _samplers;
    private readonly WrittenRows _rows;
    private int[] _live;        // the texts that the rows belong to
    private int _steps;

    /// <param name="model">The frozen model.</param>
    /// <param name="prompt">The soft prompt as <see cref="Backbone.Prepare"/> gave it; null for the frozen model alone.</param>
    /// <param name="texts">Token ids to write on from, none empty.</param>
    /// <param name="options">How.</param>
    /// <param name="endIds">The tokens that end a text.</param>
    /// <param name="numbers">A number for each text, which its random numbers depend on besides the seed; null for its place.</param>
    public TextGenerator(
        LanguageModel model, Prompt? prompt, IReadOnlyList<IReadOnlyList<int>> texts, GenerationOptions options, IReadOnlySet<int> endIds, IReadOnlyList<int>? numbers = null)
    {
        _options = options;
        _endIds = endIds;
        _samplers = [.. texts.Select((text, row) => new TokenSampler(options, endIds, model.Continues ? text : [], Mix(options.Seed, numbers?[row] ?? row)))];
        Written = [.. texts.Select(_ => new List<int>())];
        Ended = new bool[texts.Count];
        _live = [.. Enumerable.Range(0, texts.Count)];
        _rows = model.Begin(texts, prompt, options.MaxNewTokens);
    }

    /// <summary>The new tokens of each text, the end token included.</summary>
    public IReadOnlyList<List<int>> Written { get; }

    /// <summary>Which texts need no further token; the caller may end one too.</summary>
    public bool[] Ended { get; }

    /// <summary>Writes one token on every text that has not ended; false when none is left or all are as long as asked for.</summary>
    public bool Step()
    {
        if (_steps == _options.MaxNewTokens || !Continue())
            return false;
        using var scope = TorchSharp.torch.NewDisposeScope();
        float[] logits = _rows.Logits.cpu().contiguous().data<float>().ToArray();           // [B × V]
        int vocabulary = logits.Length / _live.Length;
        for (int row = 0; row < _live.Length; row++)
        {
            int text = _live[row], token = _samplers[text].Next(logits.AsSpan(row * vocabulary, vocabulary));
            Written[text].Add(token);
            Ended[text] = _endIds.Contains(token);
        }
        _steps++;
        return true;
    }

    public void Dispose() => _rows.Dispose();

    /// <summary>Reads the last tokens of the texts that go on.</summary>
    private bool Continue()
    {
        int[] kept = [.. Enumerable.Range(0, _live.Length).Where(row => !Ended[_live[row]])];
        if (kept.Length == 0)
            return false;
        if (kept.Length < _live.Length)
        {
            _rows.Keep(kept);
            _live = [.. kept.Select(row => _live[row])];
        }
        if (_steps > 0)
            _rows.Append([.. _live.Select(text => Written[text][^1])]);
        return true;
    }

    /// <summary>The same in every process, unlike the framework's hash codes.</summary>
    private static int Mix(int seed, int number) => unchecked((seed * 16777619) ^ (number * (int)2654435761));
}
