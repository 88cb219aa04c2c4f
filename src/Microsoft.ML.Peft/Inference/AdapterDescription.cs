using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

/// <summary>What an adapter's files say about it.</summary>
public sealed record AdapterDescription
{
    private AdapterDescription() { }

    /// <summary>The method as Hugging Face PEFT calls it: `PROMPT_TUNING`, `PREFIX_TUNING`, `P_TUNING` or `CARTRIDGE`.</summary>
    public required string PeftType { get; init; }

    /// <summary>The task as Hugging Face PEFT calls it: `SEQ_CLS`, `CAUSAL_LM` or `SEQ_2_SEQ_LM`; null where the files do not say.</summary>
    public required string? TaskType { get; init; }

    /// <summary>What it predicts; null where its files do not say, as those of classifiers from elsewhere.</summary>
    public required PredictionTask? Task { get; init; }

    /// <summary>The frozen model that it was trained on: a name, a path, or a repository on the Hugging Face hub; null where the files do not say.</summary>
    public required string? BaseModel { get; init; }

    /// <summary>The number of virtual tokens P; null where only the tensors say.</summary>
    public required int? VirtualTokens { get; init; }

    /// <summary>The label names in the order of the outputs; null where they are not known, or there are none.</summary>
    public required IReadOnlyList<string>? Labels { get; init; }

    /// <summary>What texts are put into; null where there is no template.</summary>
    public required string? PromptTemplate { get; init; }

    /// <summary>How texts are written; null where the adapter does not write, or does not say.</summary>
    public required GenerationOptions? Generation { get; init; }

    /// <summary>Whether classes are scored by label words, and not by a trained head.</summary>
    public required bool UsesLabelWords { get; init; }

    /// <summary>Describes an adapter directory of Hugging Face PEFT. The frozen model is not needed.</summary>
    /// <param name="directory">The directory.</param>
    /// <exception cref="FileNotFoundException">It has no `adapter_config.json`.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="NotSupportedException">It is an adapter of another kind.</exception>
    public static AdapterDescription Read(string directory)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(directory);
        AdapterDirectory.At(directory).Recover();
        string path = Path.Combine(directory, AdapterDirectory.ConfigurationName), head = Path.Combine(directory, HeadDescription.FileName);
        if (!File.Exists(path))
            throw new FileNotFoundException($"The adapter directory '{directory}' lacks '{AdapterDirectory.ConfigurationName}'.", path);
        return Of(
            AdapterConfiguration.Read(path), File.Exists(head) ? HeadDescription.Parse(File.ReadAllBytes(head), head) : null,
            GenerationDescription.ReadFrom(directory), LabelWordsDescription.ReadFrom(directory));
    }

    internal static AdapterDescription Of(Adapter adapter, PretrainedModel backbone)
    {
        var description = Of(adapter.Configuration, adapter.Description, adapter.Generation, adapter.LabelWords);
        return description with { BaseModel = description.BaseModel ?? backbone.Name };
    }

    private static AdapterDescription Of(AdapterConfiguration configuration, HeadDescription? head, GenerationDescription? generation, LabelWordsDescription? words) => new()
    {
        PeftType = configuration.PeftTypeName,
        TaskType = configuration.TaskType,
        Task = head?.Task ?? words?.Task ?? (configuration.TaskType?.EndsWith("_LM", StringComparison.Ordinal) == true ? PredictionTask.Generation : null),
        BaseModel = configuration.BaseModelNameOrPath,
        VirtualTokens = configuration.NumVirtualTokens,
        Labels = head?.Labels ?? words?.Labels,
        PromptTemplate = generation?.PromptTemplate ?? words?.PromptTemplate,
        Generation = generation?.Options,
        UsesLabelWords = words is not null,
    };
}
