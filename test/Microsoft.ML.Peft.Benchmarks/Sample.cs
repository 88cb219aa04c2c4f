namespace Microsoft.ML.Peft.Benchmarks;

internal static class Sample
{
    /// <summary>At most <paramref name="count"/> of the items, evenly spaced, in their order.</summary>
    public static T[] Of<T>(IReadOnlyList<T> items, int count) => items.Count <= count
        ? [.. items]
        : [.. Enumerable.Range(0, count).Select(i => items[(int)((i + 0.5) * items.Count / count)])];
}
