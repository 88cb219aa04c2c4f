// What a fragment marked "compiled with: microsoft-automl" may use besides its own names.
global using Microsoft.ML;
global using Microsoft.ML.AutoML;
global using Microsoft.ML.Peft;
global using Microsoft.ML.Peft.AutoML;
global using static Documentation.MicrosoftAutoML;

namespace Documentation;

internal static class MicrosoftAutoML
{
    public static readonly MLContext mlContext = new(seed: 1);
    public static readonly IDataView train = mlContext.Data.LoadFromTextFile("rows.tsv", []), validation = train;
}
