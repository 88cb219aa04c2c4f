using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// Beam search for one text: the likeliest beginnings are kept and all of them written on. A text's score is its log-probability
/// divided by its length to the power of the length penalty (Wu et al. 2016, without their constant).
/// </summary>
internal sealed class BeamSearch
{
    private readonly GenerationOptions _options;
    private readonly IReadOnlySet<int> _endIds;
    private readonly IReadOnlyList<int> _text;
    private readonly WrittenRows _rows;
    private readonly List<(double Score, IReadOnlyList<int> Tokens)> _finished = [];
    private List<Beam> _beams = [new Beam([], 0, 0)];

    private BeamSearch(WrittenRows rows, IReadOnlyList<int> text, GenerationOptions options, IReadOnlySet<int> endIds)
    {
        (_rows, _text, _options, _endIds) = (rows, text, options, endIds);
    }

    /// <summary>The best text's new tokens, the end token included.</summary>
    public static IReadOnlyList<int> Write(
        LanguageModel model, Prompt? prompt, IReadOnlyList<int> text, GenerationOptions options, IReadOnlySet<int> endIds, CancellationToken cancellationToken)
    {
        using var rows = model.Begin([text], prompt, options.MaxNewTokens);
        var search = new BeamSearch(rows, model.Continues ? text : [], options, endIds);
        for (int step = 1; step <= options.MaxNewTokens; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            search.Extend(step);
            if (step == options.MaxNewTokens || search.IsDecided(step))
                break;
            rows.Keep([.. search._beams.Select(beam => beam.Row)]);
            rows.Append([.. search._beams.Select(beam => beam.Tokens[^1])]);
        }
        return search.Best();
    }

    /// <summary>The best extensions of all beams by one token. Those that end are finished, the others the new beams.</summary>
    private void Extend(int step)
    {
        var candidates = new PriorityQueue<Beam, double>();     // the worst first
        int most = 2 * _options.Beams;                          // half of them may end
        float[] logits = Logits();
        int vocabulary = logits.Length / _beams.Count;
        for (int row = 0; row < _beams.Count; row++)
        {
            var beam = _beams[row];
            var values = logits.AsSpan(row * vocabulary, vocabulary);
            TokenSampler.Adjust(values, _options, _text.Concat(beam.Tokens), step - 1, _endIds);
            double logSum = Probabilities.LogSumExp(values);
            for (int token = 0; token < vocabulary; token++)
            {
                double score = beam.LogProbability + values[token] - logSum;
                if (candidates.Count == most && score <= candidates.Peek().LogProbability)
                    continue;
                if (candidates.Count == most)
                    candidates.Dequeue();
                candidates.Enqueue(new Beam([.. beam.Tokens, token], score, row), score);
            }
        }
        var ranked = candidates.UnorderedItems.Select(item => item.Element)
            .Where(beam => !double.IsNegativeInfinity(beam.LogProbability))
            .OrderByDescending(beam => beam.LogProbability).ThenBy(beam => beam.Row).ThenBy(beam => beam.Tokens[^1]).ToList();
        _finished.AddRange(ranked.Take(_options.Beams).Where(Ends).Select(beam => (Score(beam.LogProbability, step), beam.Tokens)));
        _beams = [.. ranked.Where(beam => !Ends(beam)).Take(_options.Beams)];
    }

    /// <summary>Whether no beam can still beat the finished texts, or none is left.</summary>
    private bool IsDecided(int step)
    {
        if (_beams.Count == 0)
            return true;
        if (_finished.Count < _options.Beams)
            return false;
        double worst = _finished.OrderByDescending(text => text.Score).ElementAt(_options.Beams - 1).Score;
        return worst >= Score(_beams[0].LogProbability, step);
    }

    private IReadOnlyList<int> Best()
    {
        var unfinished = _finished.Count >= _options.Beams ? [] : _beams.Select(beam => (Score(beam.LogProbability, beam.Tokens.Count), beam.Tokens));
        return _finished.Concat(unfinished).MaxBy(text => text.Item1).Tokens;
    }

    private bool Ends(Beam beam) => _endIds.Contains(beam.Tokens[^1]);

    private double Score(double logProbability, int length) => logProbability / Math.Pow(length, _options.LengthPenalty);

    private float[] Logits()
    {
        using var scope = NewDisposeScope();
        return _rows.Logits.cpu().contiguous().data<float>().ToArray();
    }

    /// <summary>A beginning: its new tokens, their log-probability, and the row that it goes on from.</summary>
    private sealed record Beam(IReadOnlyList<int> Tokens, double LogProbability, int Row);
}
