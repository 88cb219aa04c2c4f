using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>Training configurations to generate code from.</summary>
internal static class Configs
{
    public static TrainingConfig Of(PredictionTask task, ProjectKind kind = ProjectKind.Console, SoftPromptOptions? options = null, IReadOnlyList<string>? example = null)
    {
        options ??= new PrefixTuningOptions();
        return new TrainingConfig
        {
            Name = "Ticket",
            Project = kind,
            Scenario = task,
            TrainingOption = options,
            KnowsAllOptions = true,
            Example = example ?? (options.SecondTextColumnName is null ? ["Where is my parcel?"] : ["Where is my parcel?", "On its way."]),
        };
    }

    public static ModelProject Project(TrainingConfig config, string folder, string? name = null) =>
        new(config with { Name = ModelProject.NameOf(name ?? config.Name, config) }, folder, LibraryReference.Of(LibraryReference.AsPackage, folder));
}
