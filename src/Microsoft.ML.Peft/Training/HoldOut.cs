namespace Microsoft.ML.Peft.Training;

/// <summary>
/// Splits rows into a training and a validation part, each class by the same fraction, and no more than tell epochs apart: every
/// other row is better used for training.
/// </summary>
internal static class HoldOut
{
    private const int MostRows = 500;

    /// <summary>Row numbers of the two parts; the second is empty if no class has enough rows to give one away.</summary>
    public static (int[] Train, int[] Validation) Split(IReadOnlyList<float> labels, bool regression, double fraction, Random random)
    {
        fraction = Math.Min(fraction, MostRows / (double)labels.Count);
        int[] rows = [.. Enumerable.Range(0, labels.Count)];
        random.Shuffle(rows);
        var validation = new HashSet<int>();
        foreach (var group in rows.GroupBy(row => regression ? 0 : labels[row]))
        {
            int[] members = [.. group];
            int count = Math.Min((int)Math.Round(members.Length * fraction), members.Length - 1);
            validation.UnionWith(members.Take(count));
        }
        return ([.. rows.Where(row => !validation.Contains(row))], [.. rows.Where(validation.Contains)]);
    }
}
