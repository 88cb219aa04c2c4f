using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Peft;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

namespace TicketsApi;

public static partial class TicketModel
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

    /// <summary>The pipeline, with what the saved model tells of its training; other options are the defaults.</summary>
    public static IEstimator<ITransformer> BuildPipeline(MLContext mlContext)
    {
        var options = new PromptTuningOptions
        {
            Model = "all-MiniLM-L6-v2",
        };
        return mlContext.Transforms.Conversion.MapValueToKey("Label", keyOrdinality: ValueToKeyMappingEstimator.KeyOrdinality.ByValue)
            .Append(mlContext.Transforms.PromptTuning(options))
            .Append(mlContext.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
    }
}
