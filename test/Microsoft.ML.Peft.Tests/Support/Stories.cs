using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Made-up pairs of a text and what is to be written on it; a tiny language model learns the second halves in moments.</summary>
internal static class Stories
{
    private static readonly string[] Animals = ["whale", "man", "ship", "captain"];
    private static readonly string[] Endings = ["the sea", "a boat"];

    /// <summary>A small decoder with random weights.</summary>
    public static string TinyModel { get; } = Fixtures.Model("tiny-llama");

    public static IDataView Load(MLContext context, int count = 24) => context.Data.LoadFromEnumerable(Rows(count));

    public static IReadOnlyList<Story> Rows(int count) => [.. Enumerable.Range(0, count).Select(i => new Story
    {
        Text = $"the {Animals[i % 4]} was {i}",
        Second = $"now {i % 3}",
        Label = Endings[i % 2],
    })];

    public static TargetTexts Targets(int count, bool pairs = false)
    {
        var rows = Rows(count);
        return new TargetTexts([.. rows.Select(row => row.Text)], pairs ? [.. rows.Select(row => row.Second)] : null, [.. rows.Select(row => row.Label)]);
    }
}

internal sealed class Story
{
    public string Text { get; set; } = "";

    public string Second { get; set; } = "";

    public string Label { get; set; } = "";
}
