namespace Microsoft.ML.Peft.Backbones;

/// <summary>The soft prompts of a batch's rows: one for all, or several by number, of which the <see cref="RowLayout"/> says which row has which.</summary>
internal readonly struct Prompts
{
    private readonly Prompt? _one;
    private readonly IReadOnlyList<Prompt?>? _several;

    private Prompts(Prompt? one, IReadOnlyList<Prompt?>? several) => (_one, _several) = (one, several);

    /// <summary>The prompt of this number, or null: its rows have none.</summary>
    public Prompt? this[int number] => _several is null ? _one : _several[number];

    /// <summary>Those of a training step, in which all rows have one prompt; else null.</summary>
    public GradientCheckpoints? Checkpoints => _one?.Checkpoints;

    public static implicit operator Prompts(Prompt? one) => new(one, null);

    public static Prompts Of(IReadOnlyList<Prompt?> several) => new(null, several);

    /// <summary>The different prompts of rows, and each row's number among them.</summary>
    public static (Prompts Prompts, int[] Numbers) OfRows(IReadOnlyList<Prompt?> rows)
    {
        var different = rows.Distinct().ToList();
        return (Of(different), [.. rows.Select(row => different.IndexOf(row))]);
    }

    /// <summary>How many virtual tokens pass through the model in front of each row that has this number.</summary>
    public int InputLength(int number) => this[number] is { Embeddings: not null } prompt ? prompt.Length : 0;

    /// <summary>How many keys stand in front of every layer's own of each row that has this number.</summary>
    public int PrefixLength(int number) => this[number] is { KeysValues: not null } prompt ? prompt.Length : 0;

    /// <summary>What becomes of each prompt.</summary>
    public Prompts Select(Func<Prompt, Prompt> change) => _several is null
        ? _one is null ? this : change(_one)
        : Of([.. _several.Select(prompt => prompt is null ? null : change(prompt))]);
}
