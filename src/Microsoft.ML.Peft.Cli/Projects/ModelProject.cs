namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>A project around a trained model, as ML.NET Model Builder makes it: code that predicts, trains and evaluates, and a program.</summary>
/// <param name="Config">What is known of the model; the code is made from it.</param>
/// <param name="Folder">The project's folder.</param>
/// <param name="Library">How it comes by the library.</param>
internal sealed record ModelProject(TrainingConfig Config, string Folder, LibraryReference Library)
{
    private const string Placeholder = "NameOfTheModel", ProjectPlaceholder = "NameOfTheProject";

    /// <summary>The model's class, from what it was called: an identifier that hides nothing which the code means.</summary>
    public static string NameOf(string given, TrainingConfig config) => Free(CSharpName.Of(given, "Model"), "Model", Used(config));

    /// <summary>The project's name and namespace, from its folder.</summary>
    public string Name
    {
        get
        {
            var taken = Used(Config).Append(Config.Name).Concat(Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Select(Path.GetFileNameWithoutExtension).OfType<string>());
            return Free(CSharpName.Of(Path.GetFileName(Folder), "Project"), "App", taken.ToHashSet(StringComparer.OrdinalIgnoreCase));
        }
    }

    public string ModelFile => $"{Config.Name}.zip";

    /// <summary>What is in its folder.</summary>
    public IReadOnlyList<string> Files => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    /// <summary>The C# files with their names.</summary>
    public IEnumerable<(string Name, string Text)> Code() => Code(Config, Name);

    /// <summary>Writes the project, whole or not at all.</summary>
    /// <param name="writeModel">Writes the model to the path that it is given.</param>
    /// <param name="writeRows">The same for the rows, of which it gives the number; null for none.</param>
    public void Write(Action<string> writeModel, Func<string, int>? writeRows) => ProjectFolder.Write(Folder, folder =>
    {
        writeModel(Path.Combine(folder, ModelFile));
        string data = $"{Config.Name}.data.csv";
        var config = Config with { DataSource = writeRows is null ? null : DataSource.Of(Config, data, writeRows(Path.Combine(folder, data))) };
        foreach (var (name, text) in Code().Append(($"{Name}.csproj", ProjectFile.Text(config, Name, Library))).Append(("README.md", ReadmeText.Text(config, Library))))
            File.WriteAllText(Path.Combine(folder, name), text);
        var files = Directory.GetFiles(folder).Order(StringComparer.Ordinal).ToDictionary(file => Path.GetFileName(file), file => ProjectFolder.Fingerprint(File.ReadAllBytes(file)));
        File.WriteAllText(Path.Combine(folder, Config.Name + TrainingConfig.FileEnding), (config with { Files = files }).ToJson());
    });

    private static IEnumerable<(string Name, string Text)> Code(TrainingConfig config, string project)
    {
        yield return ($"{config.Name}.consumption.cs", ConsumptionCode.Text(config, project));
        yield return ($"{config.Name}.training.cs", TrainingCode.Text(config, project));
        yield return ($"{config.Name}.evaluate.cs", EvaluationCode.Text(config, project));
        if (config.Project == ProjectKind.WebApi)
            yield return ($"{config.Name}.serving.cs", WebApiCode.Serving(config, project));
        yield return ("Program.cs", config.Project == ProjectKind.WebApi ? WebApiCode.Program(config, project) : ConsoleCode.Text(config, project));
    }

    /// <summary>What the code itself uses, and the class that its first statements stand in.</summary>
    private static HashSet<string> Used(TrainingConfig config) => [.. CSharpName.In(Code(config with { Name = Placeholder }, ProjectPlaceholder).Select(file => file.Text)), "Program"];

    private static string Free(string name, string ending, IReadOnlySet<string> taken)
    {
        while (taken.Contains(name))
            name += ending;
        return name;
    }
}
