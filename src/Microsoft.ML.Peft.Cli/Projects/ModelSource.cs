namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>A model to make a project of.</summary>
/// <param name="Config">What is known of it.</param>
/// <param name="ModelPath">Its file.</param>
/// <param name="DataPath">A project's file of its rows; null where there is none.</param>
internal sealed record ModelSource(TrainingConfig Config, string ModelPath, string? DataPath)
{
    /// <summary>The model of a project that was made before.</summary>
    /// <param name="path">The project's configuration.</param>
    /// <exception cref="FileNotFoundException">It, its model or its rows are missing.</exception>
    public static ModelSource OfConfig(string path)
    {
        string Existing(string name) => Path.Combine(Path.GetDirectoryName(path)!, name) is var file && File.Exists(file)
            ? file
            : throw new FileNotFoundException($"'{path}' belongs to the file '{file}', which is missing.", file);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file '{path}'.", path);
        var config = TrainingConfig.Read(path);
        return new ModelSource(config, Existing(config.Name + ".zip"), config.DataSource is { } data ? Existing(data.FilePath) : null);
    }

    /// <summary>A model that ML.NET has saved.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="model">Its soft prompt.</param>
    /// <param name="kind">What is made of it.</param>
    public static ModelSource OfModel(string path, SoftPromptTransformer model, ProjectKind kind)
    {
        var options = OptionsOf(model);
        return new ModelSource(new TrainingConfig
        {
            Name = Path.GetFileNameWithoutExtension(path),
            Project = kind,
            Scenario = model.Task,
            TrainingOption = options,
            KnowsAllOptions = false,
            RunHistory = RunHistory.Of(model.TrainingHistory, OptionsJson.MethodName(options.GetType())),
            Example = model.SecondTextColumnName is null ? ["A text of your own"] : ["A text of your own", "And a second one"],
        }, path, null);
    }

    /// <summary>What a trained soft prompt tells of the options that it was trained with.</summary>
    private static SoftPromptOptions OptionsOf(SoftPromptTransformer model)
    {
        var described = model.Model.Description;
        SoftPromptOptions options = described.PeftType switch
        {
            "PROMPT_TUNING" => new PromptTuningOptions(),
            "P_TUNING" => new PTuningOptions(),
            _ => new PrefixTuningOptions(),
        };
        (options.TextColumnName, options.SecondTextColumnName, options.LabelColumnName) = (model.TextColumnName, model.SecondTextColumnName, model.LabelColumnName);
        (options.PredictedLabelColumnName, options.ScoreColumnName) = (model.PredictedLabelColumnName, model.ScoreColumnName);
        (options.ProbabilityColumnName, options.GeneratedTextColumnName) = (model.ProbabilityColumnName, model.GeneratedTextColumnName);
        (options.Model, options.PromptTemplate, options.Generation) = (described.BaseModel, described.PromptTemplate, described.Generation ?? options.Generation);
        options.VirtualTokens = described.VirtualTokens ?? options.VirtualTokens;
        options.Head = described.UsesLabelWords ? ClassificationHead.LabelWords : options.Head;
        return options;
    }
}
