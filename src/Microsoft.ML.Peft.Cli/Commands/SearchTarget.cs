using System.CommandLine;
using Microsoft.ML.Peft.AutoML;
using Microsoft.ML.Peft.Cli.Output;
using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Where a search's best model goes: a file, or a project around it.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Name">What the model is called if no name is given.</param>
/// <param name="Project">Makes the project of a model; null for a file.</param>
internal sealed record SearchTarget(string Path, string Name, Func<TrainingConfig, ModelProject>? Project)
{
    /// <summary>The target, checked before the search.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="output">What --output says.</param>
    /// <param name="data">The file of rows.</param>
    /// <param name="arguments">The options of projects.</param>
    public static SearchTarget Of(ParseResult parsed, string? output, string data, ProjectArguments arguments)
    {
        string name = System.IO.Path.GetFileNameWithoutExtension(data);
        bool isProject = arguments.Name(parsed) is not null || (output is not null && (Directory.Exists(output) || !System.IO.Path.HasExtension(output)));
        string path = System.IO.Path.TrimEndingDirectorySeparator(output ?? (isProject ? arguments.Name(parsed)! : name + ".zip"));
        if (isProject)
        {
            arguments.Check(parsed, path);
            return new SearchTarget(path, name, config => arguments.Project(parsed, config, path));
        }
        OutputFile.Check(path);
        return new SearchTarget(path, name, null);
    }

    /// <summary>Saves the best model.</summary>
    /// <param name="save">Writes the model.</param>
    /// <param name="result">The search.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="cancellation">Ends writing rows.</param>
    /// <returns>The project; null for a file.</returns>
    public ModelProject? Save(Action<Stream> save, PeftExperimentResult result, TrainingData rows, CancellationToken cancellation)
    {
        if (Project is null)
        {
            OutputFile.Write(Path, save);
            return null;
        }
        var copy = new DataCopy(rows.Table, [.. new[] { rows.Text, rows.SecondText, rows.Label }.OfType<string>()]);
        var project = Project(new TrainingConfig
        {
            Name = Name,
            Project = ProjectKind.Console,
            Scenario = rows.Task,
            TrainingOption = result.Best!.Options!,
            KnowsAllOptions = true,
            RunHistory = RunHistory.Of(result),
            Example = copy.Example ?? [.. copy.Columns.SkipLast(1).Select(_ => "")],
        });
        project.Write(path =>
        {
            using var stream = File.Create(path);
            save(stream);
        }, path => copy.Write(path, project.Config, cancellation));
        return project;
    }
}
