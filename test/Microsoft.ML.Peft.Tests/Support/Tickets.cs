namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Made-up support tickets: short texts whose class a few words decide.</summary>
internal static class Tickets
{
    private static readonly string[] Classes = ["billing", "crash", "praise"];

    private static readonly string[][] Words =
    [
        ["invoice", "refund", "charged twice", "payment failed"],
        ["it crashes", "error on start", "blue screen", "it hangs"],
        ["great work", "I love it", "thank you", "very good"],
    ];

    /// <summary>A small tiny-bert which trains in moments; its weights are random.</summary>
    public static string TinyModel { get; } = Fixtures.Model("tiny-bert");

    public static IDataView Load(MLContext context, int count = 48) => context.Data.LoadFromEnumerable(Rows(count));

    /// <summary>Rows with the labels as keys.</summary>
    public static IDataView Keyed(MLContext context, int count = 48)
    {
        var rows = Load(context, count);
        return context.Transforms.Conversion.MapValueToKey("Label").Fit(rows).Transform(rows);
    }

    public static IReadOnlyList<Ticket> Rows(int count) => [.. Enumerable.Range(0, count).Select(i => new Ticket
    {
        Label = Classes[i % 3],
        IsCrash = i % 3 == 1,
        Rating = i % 3 + i % 5 / 10f,
        Text = $"{Words[i % 3][i / 3 % 4]} since {i % 7} days",
        Second = $"version {i % 4}",
    })];
}

internal sealed class Ticket
{
    public string Label { get; set; } = "";

    public bool IsCrash { get; set; }

    public float Rating { get; set; }

    public string? Text { get; set; }

    public string? Second { get; set; }
}
