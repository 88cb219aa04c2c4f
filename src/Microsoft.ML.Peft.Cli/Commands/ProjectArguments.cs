using System.CommandLine;
using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The options of commands that write a project.</summary>
internal sealed class ProjectArguments
{
    private readonly Option<string?> _name = new("--name") { Description = "The name of the model's class and files [default: that of the model or data]", HelpName = "NAME" };
    private readonly Option<string?> _library = new("--library")
    {
        Description = $"Where the project has the library from: the folder of a checkout or of an installed peftml, {LibraryReference.AsPackage} or {LibraryReference.AsPackage}@VERSION [default: where this program runs]",
        HelpName = "WHERE",
    };

    private readonly Option<bool> _force = new("--force") { Description = "Replace files of the same names in a folder that is not empty, or has been changed." };

    public void AddTo(Verb verb)
    {
        foreach (var option in new Option[] { _name, _library, _force })
            verb.Add(option);
    }

    /// <summary>The name that is given for the model.</summary>
    public string? Name(ParseResult parsed) => parsed.GetValue(_name);

    /// <summary>Refuses a folder that cannot be written, and a library that there is not, before work that would be lost.</summary>
    public void Check(ParseResult parsed, string folder)
    {
        ProjectFolder.Check(Path.GetFullPath(folder), parsed.GetValue(_force));
        LibraryReference.Of(parsed.GetValue(_library), Path.GetFullPath(folder));
    }

    /// <summary>The project of a model, checked.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="config">The model, with the name that it has if none is given.</param>
    /// <param name="folder">The folder; null for one of the model's name.</param>
    public ModelProject Project(ParseResult parsed, TrainingConfig config, string? folder)
    {
        var named = config with { Name = ModelProject.NameOf(Name(parsed) ?? config.Name, config) };
        string path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder ?? named.Name));
        Check(parsed, path);
        return new ModelProject(named, path, LibraryReference.Of(parsed.GetValue(_library), path));
    }

    /// <summary>Says what was made.</summary>
    public static string Made(ModelProject project, string folder) => $"Made the project '{folder}' of {project.Files.Count} files around the model {project.Config.Name}";
}
