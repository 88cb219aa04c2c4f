using System.Reflection;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Finds model directories: by path, or by name among the places where models lie.</summary>
internal static class ModelLocator
{
    /// <summary>The environment variable that names further folders of models, separated as in PATH.</summary>
    public const string FoldersVariable = "PEFTML_MODELS";

    /// <summary>The embedded default for classification and regression.</summary>
    public const string DefaultEncoder = "all-MiniLM-L6-v2";

    /// <summary>The folders that hold models, one subfolder each: the user's, the program's, and the checkout's that the program was built from.</summary>
    public static IReadOnlyList<string> Folders()
    {
        var named = (Environment.GetEnvironmentVariable(FoldersVariable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var built = typeof(ModelLocator).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Where(data => data.Key == "PeftModelsDirectory" && data.Value is not null).Select(data => data.Value!);
        return [.. named.Append(Path.Combine(AppContext.BaseDirectory, "models")).Concat(built).Select(Full).Distinct()];
    }

    /// <summary>The directory or GGUF file of a model given as a path, or by its name in one of <see cref="Folders"/>.</summary>
    public static string Resolve(string model)
    {
        if (IsModel(model))
            return Full(model);
        if (File.Exists(model))
            throw new NotSupportedException($"'{model}' is a file, and no .gguf file; give the model's directory, with config.json, model.safetensors and tokenizer.json.");
        return Named(model).FirstOrDefault() ?? throw new DirectoryNotFoundException(
            $"The model '{model}' was not found: it is no directory, and nothing of that name lies in {Listed(Folders())}. " +
            $"Give the path of a directory with config.json, model.safetensors and tokenizer.json, or of a .gguf file, or name the folder that holds it in {FoldersVariable}.");
    }

    /// <summary>Where a model that a saved adapter names may be, the likeliest first.</summary>
    public static IEnumerable<string> Candidates(string name)
    {
        var likely = (IsModel(name) ? [Full(name)] : Array.Empty<string>()).Concat(Named(Path.GetFileName(Path.TrimEndingDirectorySeparator(name))));
        var others = Folders().Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFileSystemEntries(folder).Where(IsModel).Order(StringComparer.Ordinal));
        return likely.Concat(others).Where(path => File.Exists(path) || File.Exists(Path.Combine(path, "config.json"))).Distinct();
    }

    public static string Listed(IEnumerable<string> paths) => string.Join(", ", paths.Select(path => $"'{path}'"));

    /// <summary>One spelling for each directory: what is held once is found by it.</summary>
    private static string Full(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    private static bool IsModel(string path) => Directory.Exists(path) || (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(path));

    private static IEnumerable<string> Named(string name) => name.Length == 0 || name.AsSpan().IndexOfAny('/', '\\') >= 0 || name is "." or ".."
        ? []
        : Folders().Select(folder => Path.Combine(folder, name)).Where(IsModel);
}
