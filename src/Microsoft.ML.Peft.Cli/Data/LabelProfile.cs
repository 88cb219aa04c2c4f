using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>What a label column holds, by one look at all rows; it decides the task.</summary>
internal sealed record LabelProfile
{
    /// <summary>The fewest rows that anything can be learnt from.</summary>
    public const int FewestRows = 10;

    private const int MostCounted = 100_000;
    private const int LongLabel = 25;

    private readonly string _file;
    private readonly string _column;

    private LabelProfile(string file, string column) => (_file, _column) = (file, column);

    /// <summary>The rows with a label.</summary>
    public int Rows { get; private init; }

    /// <summary>The rows without one, which training leaves out.</summary>
    public int Missing { get; private init; }

    /// <summary>How often each label comes, as far as they were counted.</summary>
    public required IReadOnlyDictionary<string, int> Counts { get; init; }

    /// <summary>The first label that is no number, with its row; null where all are numbers.</summary>
    private (string Text, int Row)? NoNumber { get; init; }

    public static LabelProfile Read(TableFile table, string column, CancellationToken cancellation)
    {
        int index = table.IndexOf(column), rows = 0, missing = 0;
        var counts = new Dictionary<string, int>();
        (string, int)? noNumber = null;
        foreach (string[] row in table.Rows())
        {
            cancellation.ThrowIfCancellationRequested();
            string label = row[index];
            if (string.IsNullOrWhiteSpace(label))
            {
                missing++;
                continue;
            }
            rows++;
            if (noNumber is null && LabelText.Number(label) is null)
                noNumber = (label, rows + missing);
            if (counts.Count < MostCounted || counts.ContainsKey(label))
                counts[label] = counts.GetValueOrDefault(label) + 1;
        }
        return new LabelProfile(table.Name, column) { Rows = rows, Missing = missing, Counts = counts, NoNumber = noNumber };
    }

    /// <summary>The task that the user names, if the labels allow it, or else the one that they suggest.</summary>
    /// <exception cref="InvalidDataException">Nothing can be learnt from them, or they leave open what.</exception>
    public PredictionTask Task(PredictionTask? asked)
    {
        if (Rows == 0)
            throw new InvalidDataException($"The label column '{_column}' of '{_file}' is empty in all {Missing} rows; choose another one with --label-col.");
        if (Rows < FewestRows)
            throw new InvalidDataException($"'{_file}' has {Rows} rows with a label; training needs at least {FewestRows}.");
        if (asked == PredictionTask.Generation)
            return PredictionTask.Generation;
        if (asked == PredictionTask.Regression)
        {
            return NoNumber is null ? PredictionTask.Regression : throw new InvalidDataException(
                $"'{_file}', row {NoNumber.Value.Row}: the label '{NoNumber.Value.Text}' is no number, but --task regression learns numbers; choose another column with --label-col, or another task.");
        }
        if (Counts.Count == 1)
            throw new InvalidDataException($"All {Rows} labels in the column '{_column}' of '{_file}' are '{Counts.Keys.First()}'; classification needs at least two classes.");
        bool isPair = Counts.Count == 2 && LabelText.IsPair(Counts.Keys.First(), Counts.Keys.Last());
        if (asked == PredictionTask.Binary && !isPair)
            throw new InvalidDataException($"The labels in the column '{_column}' are {Examples()}, which do not say true and false; use --task classification.");
        if (asked is null && Counts.Count > Rows / 2)
            throw Unsure();
        if (Counts.Count > Rows / 2)
            throw new InvalidDataException($"The label column '{_column}' of '{_file}' has {Counts.Count} different values in {Rows} rows ({Examples()}), too many to learn as classes; choose another column with --label-col.");
        return isPair && asked != PredictionTask.Multiclass ? PredictionTask.Binary : PredictionTask.Multiclass;
    }

    public PrimitiveDataViewType Type(PredictionTask task) => task switch
    {
        PredictionTask.Binary => BooleanDataViewType.Instance,
        PredictionTask.Regression => NumberDataViewType.Single,
        _ => TextDataViewType.Instance,
    };

    private InvalidDataException Unsure()
    {
        string what = $"The label column '{_column}' of '{_file}' has {Counts.Count} different values in {Rows} rows ({Examples()}), too many for classes";
        if (NoNumber is null)
            return new InvalidDataException($"{what}; if they are numbers to predict say --task regression, or choose another column with --label-col.");
        return Counts.Keys.Average(label => label.Length) > LongLabel
            ? new InvalidDataException($"{what}; if they are texts to write say --task generation, or choose another column with --label-col.")
            : new InvalidDataException($"{what}; choose another column with --label-col, or say --task generation if they are texts to write.");
    }

    private string Examples()
    {
        const int shown = 3, longest = 30;
        return TableFile.Listed(Counts.Keys.Take(shown).Select(label => label.Length <= longest ? label : label[..longest] + "…")) + (Counts.Count > shown ? ", …" : "");
    }
}
