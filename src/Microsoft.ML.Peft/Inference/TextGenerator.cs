using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tokenization;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// Writes on from some texts at a time, token by token: the prompt and the texts pass the model once, then each step computes one
/// position per text over the cached keys and values.
/// </summary>
internal sealed class TextGenerator : IDisposable
{
    private readonly Decoder _decoder;
    private readonly Prompt _prompt;
    private readonly IReadOnlyList<int[]> _texts;
    private readonly GenerationOptions _options;
    private readonly IReadOnlySet<int> _endIds;
    private readonly TokenSampler[] _samplers;
    private readonly KeyValueCache _cache;
    private int _steps;

    /// <param name="decoder">The frozen model.</param>
    /// <param name="prompt">The soft prompt.</param>
    /// <param name="texts">Token ids to write on from, none empty.</param>
    /// <param name="options">How.</param>
    /// <param name="endIds">The tokens that end a text.</param>
    /// <param name="firstRow">The first text's number, which its random numbers depend on.</param>
    public TextGenerator(Decoder decoder, Prompt prompt, IReadOnlyList<int[]> texts, GenerationOptions options, IReadOnlySet<int> endIds, int firstRow = 0)
    {
        _decoder = decoder;
        _prompt = prompt;
        _texts = texts;
        _options = options;
        _endIds = endIds;
        _samplers = [.. texts.Select((text, row) => new TokenSampler(options, endIds, text, HashCode(options.Seed, firstRow + row)))];
        Written = [.. texts.Select(_ => new List<int>())];
        Ended = new bool[texts.Count];
        long capacity = prompt.Length + texts.Max(text => text.Length) + options.MaxNewTokens;
        _cache = new KeyValueCache(decoder.Configuration, texts.Count, capacity, decoder.Type, decoder.Device);
    }

    /// <summary>The new tokens of each text, the end token included.</summary>
    public IReadOnlyList<List<int>> Written { get; }

    /// <summary>Which texts need no further token; the caller may end one too.</summary>
    public bool[] Ended { get; }

    /// <summary>Writes one token on every text that has not ended; false when none is left or all are as long as asked for.</summary>
    public bool Step()
    {
        if (_steps == _options.MaxNewTokens || Ended.All(ended => ended))
            return false;
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var hidden = _steps == 0 ? _decoder.Forward(FirstBatch(), _prompt, _cache) : _decoder.Forward(NextBatch(), null, _cache);
        var logits = _decoder.Logits(hidden.select(1, hidden.size(1) - 1)).cpu().contiguous();          // [B, V]
        float[] values = logits.data<float>().ToArray();
        int vocabulary = values.Length / _texts.Count;
        for (int row = 0; row < _texts.Count; row++)
        {
            if (Ended[row])
                continue;
            int token = _samplers[row].Next(values.AsSpan(row * vocabulary, vocabulary));
            Written[row].Add(token);
            Ended[row] = _endIds.Contains(token);
        }
        _steps++;
        return true;
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>The texts padded on the left, so that each one's last token is the last of the batch.</summary>
    private TokenBatch FirstBatch()
    {
        int length = _texts.Max(text => text.Length);
        var ids = new long[_texts.Count * length];
        var mask = new long[ids.Length];
        for (int row = 0; row < _texts.Count; row++)
        {
            int start = (row + 1) * length - _texts[row].Length;
            for (int i = 0; i < _texts[row].Length; i++)
                (ids[start + i], mask[start + i]) = (_texts[row][i], 1);
        }
        bool padded = _texts.Any(text => text.Length < length);
        Tensor Send(long[] values) => tensor(values, [_texts.Count, length], device: _decoder.Device);
        return new TokenBatch(Send(ids), padded ? Send(mask) : null, null);
    }

    private TokenBatch NextBatch()
    {
        long[] last = [.. Written.Select(tokens => (long)tokens[^1])];
        return new TokenBatch(tensor(last, [last.Length, 1], device: _decoder.Device), null, null);
    }

    /// <summary>The same in every process, unlike the framework's hash codes.</summary>
    private static int HashCode(int seed, int row) => unchecked((seed * 16777619) ^ (row * (int)2654435761));
}
