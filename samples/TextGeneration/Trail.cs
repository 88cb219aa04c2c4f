namespace TextGeneration;

/// <summary>A row of the data: facts about a hiking trail, and the sentence that states them.</summary>
internal class Trail
{
    public string Text { get; set; } = "";

    public string Label { get; set; } = "";
}

/// <summary>A row, and what a model wrote for it.</summary>
internal sealed class WrittenTrail : Trail
{
    public string GeneratedText { get; set; } = "";
}
