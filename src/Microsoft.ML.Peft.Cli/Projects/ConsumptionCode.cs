using static Microsoft.ML.Peft.Cli.Projects.CSharpName;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>The file that predicts: rows and predictions as classes, and a prediction engine.</summary>
internal static class ConsumptionCode
{
    public static string Text(TrainingConfig config, string project)
    {
        var columns = new ModelColumns(config);
        return $$"""
            using Microsoft.ML;
            using Microsoft.ML.Data;

            namespace {{project}};

            /// <summary>Predicts with the model in {{config.Name}}.zip.</summary>
            public static partial class {{config.Name}}
            {
                private static readonly string ModelPath = Path.Combine(AppContext.BaseDirectory, {{Literal(config.Name + ".zip")}});

                /// <summary>A row. The label is what training learns; predictions do not need it.</summary>
                public sealed class ModelInput
                {
            {{string.Join("\n\n", columns.All.Select((column, i) => Property(column, i, column == columns.Label ? ModelColumns.LabelType(config.Scenario) : "string")))}}
                }

                /// <summary>What the model says about a row.</summary>
                public sealed class ModelOutput
                {
            {{Outputs(config)}}
                }

                /// <summary>The model, loaded at the first prediction.</summary>
                public static Lazy<PredictionEngine<ModelInput, ModelOutput>> PredictEngine { get; } = new(() =>
                {
                    var mlContext = new MLContext();
                    return mlContext.Model.CreatePredictionEngine<ModelInput, ModelOutput>(LoadModel(mlContext));
                });

                /// <summary>Loads the model.</summary>
                public static ITransformer LoadModel(MLContext mlContext) => mlContext.Model.Load(ModelPath, out _);

                /// <summary>Predicts. Threads may call it at the same time, and then wait for each other.</summary>
                public static ModelOutput Predict(ModelInput input)
                {
                    lock (PredictEngine)
                        return PredictEngine.Value.Predict(input);
                }
            {{AllLabels(config)}}}

            """;
    }

    private static string Property((string Column, string Property) column, int index, string type) => $$"""
                    [LoadColumn({{index}})]
                    [ColumnName({{Literal(column.Column)}})]
                    public {{type}} {{column.Property}} { get; set; }{{(type == "string" ? " = \"\";" : "")}}
            """;

    private static string Outputs(TrainingConfig config)
    {
        var options = config.TrainingOption;
        static string Output(string column, string comment, string declaration) => $$"""
                    /// <summary>{{comment}}</summary>
                    [ColumnName({{Literal(column)}})]
                    public {{declaration}}
            """;
        string[] outputs = config.Scenario switch
        {
            PredictionTask.Multiclass =>
            [
                Output(options.PredictedLabelColumnName, "The likeliest class.", "string PredictedLabel { get; set; } = \"\";"),
                Output(options.ScoreColumnName, "The probability of each class.", "float[] Score { get; set; } = [];"),
            ],
            PredictionTask.Binary =>
            [
                Output(options.PredictedLabelColumnName, "Whether it is likelier true than false.", "bool PredictedLabel { get; set; }"),
                Output(options.ProbabilityColumnName, "The probability of true.", "float Probability { get; set; }"),
                Output(options.ScoreColumnName, "Its log-odds.", "float Score { get; set; }"),
            ],
            PredictionTask.Regression => [Output(options.ScoreColumnName, "The value.", "float Score { get; set; }")],
            _ => [Output(options.GeneratedTextColumnName, "The text that the model writes.", "string GeneratedText { get; set; } = \"\";")],
        };
        return string.Join("\n\n", outputs);
    }

    private static string AllLabels(TrainingConfig config)
    {
        const string head = """

                /// <summary>All classes with their probabilities, the likeliest first.</summary>
                public static IReadOnlyList<KeyValuePair<string, float>> PredictAllLabels(ModelInput input)
                {
                    lock (PredictEngine)
                        return PredictAllLabels(PredictEngine.Value, input);
                }

                /// <summary>The same with an engine of one's own.</summary>
                public static IReadOnlyList<KeyValuePair<string, float>> PredictAllLabels(PredictionEngine<ModelInput, ModelOutput> engine, ModelInput input)
                {

            """;
        return config.Scenario switch
        {
            PredictionTask.Multiclass => head + $$"""
                        float[] scores = engine.Predict(input).Score;
                        VBuffer<ReadOnlyMemory<char>> names = default;
                        engine.OutputSchema[{{Literal(config.TrainingOption.ScoreColumnName)}}].GetSlotNames(ref names);
                        return [.. names.DenseValues().Zip(scores, (name, score) => KeyValuePair.Create(name.ToString(), score)).OrderByDescending(label => label.Value)];
                    }

                """,
            PredictionTask.Binary => head + """
                        float probability = engine.Predict(input).Probability;
                        KeyValuePair<string, float>[] labels = [KeyValuePair.Create("True", probability), KeyValuePair.Create("False", 1 - probability)];
                        return [.. labels.OrderByDescending(label => label.Value)];
                    }

                """,
            _ => "",
        };
    }
}
