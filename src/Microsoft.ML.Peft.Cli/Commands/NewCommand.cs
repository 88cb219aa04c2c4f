using System.CommandLine;
using Microsoft.ML.Peft.Cli.Data;
using Microsoft.ML.Peft.Cli.Output;
using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Makes a project around a trained model.</summary>
internal static class NewCommand
{
    private const string ConsoleExamples = """
        peftml new console tickets.zip --dataset tickets.csv --output Tickets
        """;

    private const string WebApiExamples = """
        peftml new webapi tickets.zip --output TicketsApi
        peftml new webapi Tickets/Tickets.mbconfig --output TicketsApi     (with all that is known of its training)
        """;

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("new", "Make a C# project around a trained model.", "peftml new console tickets.zip --output Tickets");
        verb.Add(Kind(terminal, "console", ProjectKind.Console, "Make a program that predicts, trains and evaluates.", ConsoleExamples));
        verb.Add(Kind(terminal, "webapi", ProjectKind.WebApi, "Make a web API that predicts, with OpenAPI and a health check.", WebApiExamples));
        return verb;
    }

    private static Verb Kind(Terminal terminal, string name, ProjectKind kind, string description, string examples)
    {
        var verb = new Verb(name, description, examples);
        var model = new Argument<string>("MODEL") { Description = $"A .zip that was trained, or the {TrainingConfig.FileEnding} file of a project made before." };
        var output = new Option<string?>("--output", "-o") { Description = "The project's folder [default: ./<name>]", HelpName = "DIR" };
        var dataset = new Option<string?>("--dataset") { Description = "Rows to train anew on, from the project [default: those of the project made before]", HelpName = "FILE" };
        var columns = new TableArguments();
        var arguments = new ProjectArguments();
        verb.Add(model);
        verb.Add(output);
        arguments.AddTo(verb);
        verb.Add(dataset);
        columns.AddTo(verb);
        verb.Run(terminal, (parsed, cancellation) =>
        {
            string path = parsed.GetValue(model)!;
            var source = path.EndsWith(TrainingConfig.FileEnding, StringComparison.OrdinalIgnoreCase) ? ModelSource.OfConfig(path) : Load(path, kind);
            var rows = parsed.GetValue(dataset) is { } file ? Rows(TableFile.Open(file, columns.Options(parsed)), columns.Columns(parsed), source.Config) : null;
            var config = source.Config with { Project = kind, Example = rows?.Example ?? source.Config.Example };
            string? given = parsed.GetValue(output);
            var project = arguments.Project(parsed, config, given);
            Func<string, int>? copy = source.DataPath is not { } known ? null : target =>
            {
                File.Copy(known, target);
                return config.DataSource!.Rows;
            };
            project.Write(target => File.Copy(source.ModelPath, target), rows is null ? copy : target => rows.Write(target, config, cancellation));
            if (terminal.Json)
                terminal.WriteJson(new { Output = project.Folder, Project = project.Name, Model = project.Config.Name, project.Files });
            else
                terminal.Out.WriteLine($"{ProjectArguments.Made(project, given ?? project.Config.Name)}. Try it: dotnet run --project {given ?? project.Config.Name}");
        });
        return verb;
    }

    private static ModelSource Load(string path, ProjectKind kind)
    {
        if (Directory.Exists(path))
            throw new ArgumentException($"'{path}' is a directory; give a .zip: 'peftml convert {path} model.zip' makes one of an adapter directory.");
        using var trained = TrainedModel.Load(new MLContext(1), path);
        var source = ModelSource.OfModel(path, trained.SoftPrompt, kind);
        trained.CheckReads(new ModelColumns(source.Config).All.Select(column => column.Column));
        return source;
    }

    /// <summary>The columns that are named, or called as in training, or found.</summary>
    private static DataCopy Rows(TableFile table, (string? Text, string? Second, string? Label) given, TrainingConfig config)
    {
        var trained = config.TrainingOption;
        var inference = new ColumnInference(table);
        string text = inference.ForPrediction(given.Text, trained.TextColumnName, trained.LabelColumnName);
        string? second = trained.SecondTextColumnName is { } name ? inference.Existing(given.Second ?? name) : null;
        string label = given.Label ?? (table.Find(trained.LabelColumnName) is { } at ? table.Columns[at] : inference.ForTraining(text, second, null, config.Scenario).Label);
        return new DataCopy(table, [.. new[] { text, second }.OfType<string>(), inference.Existing(label)]);
    }
}
