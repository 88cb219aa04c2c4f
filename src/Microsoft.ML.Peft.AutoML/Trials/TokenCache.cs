namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>
/// Rows as tokens of a frozen model, shared by all trials. Trials leave different room for a text, because their prompts are of different
/// lengths; as long as the longest text fits, they share the same rows.
/// </summary>
/// <typeparam name="TRows">Training and validation rows as tokens.</typeparam>
/// <param name="longest">The tokens of the longest row, or null if one was cut.</param>
internal sealed class TokenCache<TRows>(Func<TRows, int?> longest)
{
    private readonly Lock _gate = new();
    private readonly List<(string Key, int MaxTokens, int? Longest, TRows Rows)> _entries = [];

    /// <param name="key">What else the tokens depend on: the model, the part of a cross-validation.</param>
    /// <param name="maxTokens">The room for a row.</param>
    /// <param name="tokenize">Makes the tokens.</param>
    public TRows Get(string key, int maxTokens, Func<TRows> tokenize)
    {
        lock (_gate)
        {
            foreach (var entry in _entries)
            {
                if (entry.Key == key && (entry.MaxTokens == maxTokens || entry.Longest <= maxTokens))
                    return entry.Rows;
            }
            var rows = tokenize();
            _entries.Add((key, maxTokens, longest(rows), rows));
            return rows;
        }
    }
}
