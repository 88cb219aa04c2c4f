using System.Text.RegularExpressions;
using Microsoft.ML.AutoML;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Bridge;

/// <summary>What the README shows of the bridge compiles, and runs.</summary>
public sealed class ReadmeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_READMEs_examples_with_Microsoft_ML_AutoML_run()
    {
        string readme = File.ReadAllText(Path.Combine(Fixtures.Default, "../../../README.md")).ReplaceLineEndings("\n");
        var section = Regex.Match(readme, @"^## Together with Microsoft\.ML\.AutoML\n(.*?)(?=^## )", RegexOptions.Singleline | RegexOptions.Multiline);
        var code = Regex.Matches(section.Value, @"```csharp\n(.*?)```", RegexOptions.Singleline).Select(match => match.Groups[1].Value).ToList();
        Assert.Equal(2, code.Count);
        // The same with a small model and few, short trials.
        string body = Shortened(string.Join('\n', code));
        var example = Compiler.Compile("Example", $$"""
            using Microsoft.ML; using Microsoft.ML.AutoML; using Microsoft.ML.Peft; using Microsoft.ML.Peft.AutoML;
            public static class Example
            {
                public static async Task<TrialResult[]> Run(MLContext mlContext, IDataView train, IDataView validation)
                {
                    {{body}}
                    return [best, bestTrial];
                }
            }
            """).GetType("Example")!;
        var mlContext = new MLContext(1);
        var rows = mlContext.Data.TrainTestSplit(Tickets.Load(mlContext, 60), 0.3, seed: 1);
        var results = await (Task<TrialResult[]>)example.GetMethod("Run")!.Invoke(null, [mlContext, rows.TrainSet, rows.TestSet])!;
        Assert.All(results, result => Assert.InRange(result.Metric, 0.01, 1));
    }

    private string Shortened(string code)
    {
        string options = $"Options {{ Model = @\"{Tickets.TinyModel}\" }}";
        return Regex.Replace(code, @"PeftSweep\.(PrefixTuning|PromptTuning)\(\)", match => $"PeftSweep.{match.Groups[1].Value}(new {match.Groups[1].Value}{options})")
            .Replace("options.MaxEpochs = 10", "options.MaxEpochs = 1", StringComparison.Ordinal)
            .Replace("SetMaxModelToExplore(40)", "SetMaxModelToExplore(3)", StringComparison.Ordinal)
            .Replace(".SetAshaTuner()", $".SetAshaTuner().SetMaxEpochs(3).SetCheckpoint(@\"{_directory.Path}\")", StringComparison.Ordinal);
    }
}
