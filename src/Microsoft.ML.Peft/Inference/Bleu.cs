using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// BLEU-4 (Papineni et al. 2002) of a corpus, with one or more references for each text. Case counts. Texts are split as by the
/// script mteval-v13a, sacreBLEU's default: at white space and around punctuation, except points and commas within numbers, and
/// hyphens and apostrophes within words. Orders without any match are smoothed as there, too: the k-th such order counts as if it
/// had 1/2ᵏ matches (Chen and Cherry 2014, method 3).
/// </summary>
internal sealed partial class Bleu
{
    private const int Orders = 4;

    private readonly long[] _matches = new long[Orders];
    private readonly long[] _ngrams = new long[Orders];
    private long _length;
    private long _referenceLength;

    /// <summary>0 to 1, over all texts added; 0 if no text has four words.</summary>
    public double Score
    {
        get
        {
            if (_matches[0] == 0 || _ngrams[Orders - 1] == 0)
                return 0;
            double logarithm = 0, smoothed = 1;
            for (int order = 0; order < Orders; order++)
                logarithm += Math.Log((_matches[order] > 0 ? _matches[order] : smoothed /= 2) / _ngrams[order]) / Orders;
            double brevity = _length < _referenceLength ? 1 - (double)_referenceLength / _length : 0;
            return Math.Exp(logarithm + brevity);
        }
    }

    /// <param name="text">What was written.</param>
    /// <param name="references">What could have been written; at least one.</param>
    public void Add(string text, IReadOnlyList<string> references)
    {
        string[] words = Split(text);
        string[][] expected = [.. references.Select(Split)];
        _length += words.Length;
        // The closest length; of two equally close ones the shorter.
        _referenceLength += expected.Select(reference => reference.Length).OrderBy(length => Math.Abs(length - words.Length)).ThenBy(length => length).First();
        for (int order = 1; order <= Orders; order++)
        {
            var most = expected.SelectMany(reference => Count(reference, order)).GroupBy(count => count.Key)
                .ToDictionary(group => group.Key, group => group.Max(count => count.Value));
            _ngrams[order - 1] += Math.Max(0, words.Length - order + 1);
            _matches[order - 1] += Count(words, order).Sum(count => Math.Min(count.Value, most.GetValueOrDefault(count.Key)));
        }
    }

    // Words hold no white space, so that a blank joins them without doubt.
    private static Dictionary<string, int> Count(string[] words, int order) =>
        Enumerable.Range(0, Math.Max(0, words.Length - order + 1)).Select(start => string.Join(' ', words, start, order)).CountBy(ngram => ngram).ToDictionary();

    private static string[] Split(string text)
    {
        string spaced = Punctuation().Replace(text, " $& ");
        spaced = BehindNoDigit().Replace($" {spaced} ", " $& ");
        spaced = HyphenBehindDigit().Replace(spaced, " - ");
        return spaced.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>ASCII punctuation but the apostrophe, the comma, the hyphen and the point.</summary>
    [GeneratedRegex(@"[!-&(-+/:-@\[-`{-~]")]
    private static partial Regex Punctuation();

    /// <summary>A point or comma that does not stand between two digits.</summary>
    [GeneratedRegex(@"(?<=[^0-9])[.,]|[.,](?=[^0-9])")]
    private static partial Regex BehindNoDigit();

    [GeneratedRegex(@"(?<=[0-9])-")]
    private static partial Regex HyphenBehindDigit();
}
