using Microsoft.ML.Peft.AutoML.Trials;
using static Microsoft.ML.Peft.Cli.Projects.CSharpName;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>The file that trains: reading rows, and the pipeline with its options.</summary>
internal static class TrainingCode
{
    public static string Text(TrainingConfig config, string project) => $$"""
        using Microsoft.ML;
        using Microsoft.ML.Data;
        using Microsoft.ML.Peft;
        using Microsoft.ML.Runtime;{{(config.Scenario == PredictionTask.Multiclass ? "\nusing Microsoft.ML.Transforms;" : "")}}

        namespace {{project}};

        public static partial class {{config.Name}}
        {
            /// <summary>Trains the pipeline anew and saves the model.</summary>
            /// <param name="dataPath">A file of rows in the shape that <see cref="LoadIDataViewFromFile"/> reads.</param>
            /// <param name="modelPath">Where the model is saved.</param>
            public static void Train(string dataPath, string modelPath)
            {
                var mlContext = new MLContext(seed: 1);
                mlContext.Log += (_, log) =>
                {
                    if (log.Source.Contains("TuningEstimator", StringComparison.Ordinal) && log.Kind >= ChannelMessageKind.Info)
                        Console.WriteLine(log.RawMessage);
                };
                var data = LoadIDataViewFromFile(mlContext, dataPath);
                SaveModel(mlContext, RetrainPipeline(mlContext, data), data, modelPath);
            }

            /// <summary>Reads rows: comma-separated fields in UTF-8, quoted where they hold commas, quotes (then doubled) or line breaks, below a line of column names.</summary>
            public static IDataView LoadIDataViewFromFile(MLContext mlContext, string path) => mlContext.Data.LoadFromTextFile<ModelInput>(path, new TextLoader.Options
            {
                Separators = [','],
                HasHeader = true,
                AllowQuoting = true,
                ReadMultilines = true,
            });

            /// <summary>Trains the pipeline on some rows.</summary>
            public static ITransformer RetrainPipeline(MLContext mlContext, IDataView data) => BuildPipeline(mlContext).Fit(data);

            /// <summary>Saves a model, whole or not at all.</summary>
            public static void SaveModel(MLContext mlContext, ITransformer model, IDataView data, string path)
            {
                mlContext.Model.Save(model, data.Schema, path + ".partial");
                File.Move(path + ".partial", path, overwrite: true);
            }

            /// <summary>{{(config.KnowsAllOptions ? "The pipeline, with all options of the model's training." : "The pipeline, with what the saved model tells of its training; other options are the defaults.")}}</summary>
            public static IEstimator<ITransformer> BuildPipeline(MLContext mlContext)
            {
                var options = {{CSharpCode.Of(config.TrainingOption).Replace("\n", "\n        ")}};
                return {{Pipeline(config)}};
            }
        }

        """;

    private static string Pipeline(TrainingConfig config)
    {
        var options = config.TrainingOption;
        string softPrompt = $"mlContext.Transforms.{OptionsJson.MethodName(options.GetType())}(options)";
        return config.Scenario != PredictionTask.Multiclass ? softPrompt : $$"""
            mlContext.Transforms.Conversion.MapValueToKey({{Literal(options.LabelColumnName)}}, keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
                        .Append({{softPrompt}})
                        .Append(mlContext.Transforms.Conversion.MapKeyToValue({{Literal(options.PredictedLabelColumnName)}}))
            """;
    }
}
