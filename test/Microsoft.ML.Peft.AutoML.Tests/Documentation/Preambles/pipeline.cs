// What a fragment marked "compiled with: pipeline" may use besides its own names.
global using Microsoft.ML;
global using Microsoft.ML.Data;
global using Microsoft.ML.Peft;
global using Microsoft.ML.Peft.AutoML;
global using Documentation;
global using static Documentation.Pipeline;

namespace Documentation;

internal static class Pipeline
{
    public static readonly MLContext mlContext = new(seed: 1);
    public static readonly IDataView train = mlContext.Data.LoadFromEnumerable<Ticket>([]), validation = train, test = train;
    public static readonly ITransformer model = mlContext.Transforms.PrefixTuning().Fit(train);
    public static readonly CancellationToken cancellationToken = CancellationToken.None;
}

internal sealed class Ticket
{
    public string Text { get; set; } = "";
    public string Label { get; set; } = "";
}

internal sealed class Prediction
{
    public string PredictedLabel { get; set; } = "";
    public float[] Score { get; set; } = [];
}
