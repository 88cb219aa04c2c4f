namespace QuickStart;

/// <summary>A row of the data: what a customer wrote, and the queue that has to answer it.</summary>
internal sealed class Ticket
{
    public string Text { get; set; } = "";

    public string Label { get; set; } = "";
}

/// <summary>What the pipeline says about a row: its class, and the probability of each class.</summary>
internal class Prediction
{
    public string PredictedLabel { get; set; } = "";

    public float[] Score { get; set; } = [];
}

/// <summary>A prediction beside the row that it is for.</summary>
internal sealed class LabeledPrediction : Prediction
{
    public string Text { get; set; } = "";

    public string Label { get; set; } = "";
}
