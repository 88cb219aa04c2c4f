using static Microsoft.ML.Peft.Cli.Projects.CSharpName;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>The file that evaluates.</summary>
internal static class EvaluationCode
{
    public static string Text(TrainingConfig config, string project)
    {
        var options = config.TrainingOption;
        string label = Literal(options.LabelColumnName), score = Literal(options.ScoreColumnName), predicted = Literal(options.PredictedLabelColumnName);
        string metrics = config.Scenario switch
        {
            PredictionTask.Multiclass => "MulticlassClassificationMetrics",
            PredictionTask.Binary => "CalibratedBinaryClassificationMetrics",
            PredictionTask.Regression => "RegressionMetrics",
            _ => "GenerationMetrics",
        };
        string body = config.Scenario switch
        {
            PredictionTask.Multiclass => Multiclass(config),
            PredictionTask.Binary => $" => mlContext.BinaryClassification.Evaluate(model.Transform(data), {label}, {score}, {Literal(options.ProbabilityColumnName)}, {predicted});",
            PredictionTask.Regression => $" => mlContext.Regression.Evaluate(model.Transform(data), {label}, {score});",
            _ => $" => mlContext.TextGeneration().Evaluate(model.Transform(data), {label}, {Literal(options.GeneratedTextColumnName)});",
        };
        return $$"""
            using Microsoft.ML;
            {{(config.Scenario == PredictionTask.Generation ? "using Microsoft.ML.Peft;" : "using Microsoft.ML.Data;")}}

            namespace {{project}};

            public static partial class {{config.Name}}
            {
                /// <summary>How good the model is on the rows of a file. Rows that it was trained on say little.</summary>
                public static {{metrics}} Evaluate(string dataPath)
                {
                    var mlContext = new MLContext(seed: 1);
                    return Evaluate(mlContext, LoadModel(mlContext), LoadIDataViewFromFile(mlContext, dataPath));
                }

                /// <summary>How good a model is on some rows.</summary>
                public static {{metrics}} Evaluate(MLContext mlContext, ITransformer model, IDataView data){{body}}
            }

            """;
    }

    /// <summary>Labels are compared by their numbers, which a model of names does not give.</summary>
    private static string Multiclass(TrainingConfig config)
    {
        var options = config.TrainingOption;
        var columns = new ModelColumns(config);
        string truth = Literal(columns.Free("TrueClass")), predicted = Literal(columns.Free("PredictedClass"));
        return $$"""

                {
                    // The pipeline may turn the label into a number of its own.
                    var labelled = mlContext.Transforms.CopyColumns({{truth}}, {{Literal(options.LabelColumnName)}}).Fit(data).Transform(data);
                    var scored = mlContext.Data.Cache(model.Transform(labelled));
                    VBuffer<ReadOnlyMemory<char>> names = default;
                    scored.Schema[{{Literal(options.ScoreColumnName)}}].GetSlotNames(ref names);
                    var classes = mlContext.Data.LoadFromEnumerable(names.DenseValues().Select(name => new ClassName { Name = name.ToString() }));
                    var numbered = mlContext.Transforms.Conversion.MapValueToKey([new({{truth}}), new({{predicted}}, {{Literal(options.PredictedLabelColumnName)}})], keyData: classes).Fit(scored).Transform(scored);
                    return mlContext.MulticlassClassification.Evaluate(numbered, {{truth}}, {{Literal(options.ScoreColumnName)}}, {{predicted}});
                }

                private sealed class ClassName
                {
                    public string Name { get; set; } = "";
                }
            """;
    }
}
