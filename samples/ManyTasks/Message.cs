using Microsoft.ML.Data;

namespace ManyTasks;

/// <summary>A row of the data: a message and its class in each of three tasks.</summary>
internal sealed class Message
{
    [LoadColumn(0)]
    public string Text { get; set; } = "";

    [LoadColumn(1)]
    public string Queue { get; set; } = "";

    [LoadColumn(2)]
    public string Urgency { get; set; } = "";

    [LoadColumn(3)]
    public string Mood { get; set; } = "";
}
