namespace Microsoft.ML.Peft.Benchmarks.AutoMl;

/// <summary>A few rows of each class, for searches over small data whose rows are known.</summary>
/// <param name="Train">The rows to learn from.</param>
/// <param name="Validation">The rows that trials are compared by; null to let the search hold some out.</param>
internal sealed record ClassRows(IReadOnlyList<DataFile.Row> Train, IReadOnlyList<DataFile.Row>? Validation)
{
    // The rows are part of the benchmark: seeds of searches leave them as they are.
    private const int Seed = 1;

    /// <summary>All that the search gets to see.</summary>
    public IReadOnlyList<DataFile.Row> All => [.. Train, .. Validation ?? []];

    /// <param name="rows">All rows.</param>
    /// <param name="train">Training rows of each class; null for all that do not validate.</param>
    /// <param name="validation">Validation rows of each class; null for none.</param>
    /// <exception cref="ArgumentException">A class has too few rows.</exception>
    public static ClassRows Draw(IReadOnlyList<DataFile.Row> rows, int? train, int? validation)
    {
        if (train is null && validation is null)
            return new ClassRows(rows, null);
        var shuffled = rows.ToArray();
        new Random(Seed).Shuffle(shuffled);
        int held = validation ?? 0, fewest = held + (train ?? 1);
        var classes = shuffled.GroupBy(row => row.Label).Select(group => group.ToList()).ToList();
        if (classes.Find(members => members.Count < fewest) is { } small)
            throw new ArgumentException($"The label '{small[0].Label}' has {small.Count} rows, fewer than the {fewest} that were asked for; ask for fewer rows per class.");
        return new ClassRows(
            [.. classes.SelectMany(members => members.Skip(held).Take(train ?? members.Count))],
            validation is null ? null : [.. classes.SelectMany(members => members.Take(held))]);
    }
}
