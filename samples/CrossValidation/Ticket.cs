using Microsoft.ML.Data;

namespace CrossValidation;

/// <summary>A row of the data: what a customer wrote, and the queue that has to answer it.</summary>
internal sealed class Ticket
{
    [LoadColumn(0)]
    public string Text { get; set; } = "";

    [LoadColumn(1)]
    public string Label { get; set; } = "";
}

/// <summary>What a fold's model says about a row that it has not seen; keys count from 1.</summary>
internal sealed class Prediction
{
    public uint Label { get; set; }

    public uint PredictedLabel { get; set; }

    public float[] Score { get; set; } = [];
}
