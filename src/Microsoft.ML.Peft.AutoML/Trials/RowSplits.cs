using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Divides rows into training and validation rows.</summary>
internal static class RowSplits
{
    /// <summary>Trials are compared by the validation rows, so there are more of them than a single training would hold out.</summary>
    private const double HeldOut = 0.2;

    /// <summary>Row numbers of the training and the validation rows of each part.</summary>
    /// <param name="labels">The rows' classes, all the same where there are none.</param>
    /// <param name="byClass">Whether each class is divided alike.</param>
    /// <param name="folds">The parts of a cross-validation, or 1 to hold out a fifth of the rows, at most 500.</param>
    /// <param name="seed">Of the order.</param>
    public static IReadOnlyList<(int[] Train, int[] Validation)> Split(IReadOnlyList<float> labels, bool byClass, int folds, int seed)
    {
        var random = new Random(seed);
        if (folds == 1)
            return [HoldOut.Split(labels, !byClass, HeldOut, random)];
        int[] rows = [.. Enumerable.Range(0, labels.Count)];
        random.Shuffle(rows);
        var parts = new int[labels.Count];
        int next = 0;
        foreach (int row in rows.OrderBy(row => byClass ? labels[row] : 0))
            parts[row] = next++ % folds;
        return [.. Enumerable.Range(0, folds).Select(part => (rows.Where(row => parts[row] != part).ToArray(), rows.Where(row => parts[row] == part).ToArray()))];
    }

    public static LabeledTexts Select(this LabeledTexts all, int[] rows)
        => new([.. rows.Select(row => all.Texts[row])], all.SecondTexts is { } second ? [.. rows.Select(row => second[row])] : null, [.. rows.Select(row => all.Labels[row])]);

    public static TargetTexts Select(this TargetTexts all, int[] rows)
        => new([.. rows.Select(row => all.Texts[row])], all.SecondTexts is { } second ? [.. rows.Select(row => second[row])] : null, [.. rows.Select(row => all.Targets[row])]);
}
