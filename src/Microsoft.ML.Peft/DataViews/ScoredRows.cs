namespace Microsoft.ML.Peft.DataViews;

/// <summary>Room for what a model says of some rows: a head's raw outputs, or written texts.</summary>
/// <param name="rows">The most rows.</param>
/// <param name="numbers">The width of the head; 0 where the model writes.</param>
internal sealed class ScoredRows(int rows, int numbers)
{
    private readonly float[] _numbers = new float[rows * numbers];
    private readonly string[] _texts = numbers == 0 ? new string[rows] : [];

    /// <summary>The head's raw outputs of the first rows, row by row: `[rows × outputs]`.</summary>
    public Span<float> Numbers(int rows) => _numbers.AsSpan(0, rows * numbers);

    /// <summary>The written texts of the first rows.</summary>
    public Span<string> Texts(int rows) => _texts.AsSpan(0, rows);

    public ScoredRow this[int row] => new(_numbers.AsSpan(row * numbers, numbers), numbers == 0 ? _texts[row] : null);
}

/// <summary>What a model says of one row.</summary>
internal readonly ref struct ScoredRow(ReadOnlySpan<float> numbers, string? text)
{
    /// <summary>The head's raw outputs; none where the model writes.</summary>
    public ReadOnlySpan<float> Numbers { get; } = numbers;

    /// <summary>What was written; null where the model does not write.</summary>
    public string? Text { get; } = text;
}
