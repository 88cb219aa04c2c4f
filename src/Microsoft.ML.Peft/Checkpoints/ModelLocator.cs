using System.Reflection;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Finds models, directories and GGUF files: by path, or by name among the places where models lie.</summary>
internal static partial class ModelLocator
{
    /// <summary>The environment variable that names further folders of models, separated as in PATH.</summary>
    public const string FoldersVariable = "PEFTML_MODELS";

    /// <summary>The embedded default for classification and regression.</summary>
    public const string DefaultEncoder = "all-MiniLM-L6-v2";

    /// <summary>The embedded default for generation, a GGUF file.</summary>
    public const string DefaultDecoder = "SmolLM2-135M-Instruct";

    /// <summary>The folders that hold models, one subfolder or GGUF file each: the user's, the program's, and the checkout's that the program was built from.</summary>
    public static IReadOnlyList<string> Folders()
    {
        var named = (Environment.GetEnvironmentVariable(FoldersVariable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var built = typeof(ModelLocator).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Where(data => data.Key == "PeftModelsDirectory" && data.Value is not null).Select(data => data.Value!);
        return [.. named.Append(Path.Combine(AppContext.BaseDirectory, "models")).Concat(built).Select(Full).Distinct()];
    }

    /// <summary>Every model in <see cref="Folders"/>, of several with one name the one that <see cref="Find"/> finds.</summary>
    public static IReadOnlyList<string> All() =>
        [.. Folders().Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFileSystemEntries(folder).Order(StringComparer.Ordinal))
            .Where(path => File.Exists(Path.Combine(path, "config.json")) || (File.Exists(path) && IsModel(path))).DistinctBy(path => Path.GetFileName(path))];

    /// <summary>
    /// The directory or GGUF file of a model given as a path, or by its name in one of <see cref="Folders"/>. A GGUF file's name may leave out
    /// its ending and how it is quantised: "SmolLM2-135M-Instruct" is "SmolLM2-135M-Instruct.Q4_1.gguf", too.
    /// </summary>
    public static string Resolve(string model) => Find(model) ?? throw new DirectoryNotFoundException(
        $"The model '{model}' was not found: it is no directory, and nothing of that name lies in {Listed(Folders())}. " +
        $"Give the path of a directory with config.json, model.safetensors and tokenizer.json, or of a .gguf file, or owner/name of a model on the Hugging Face hub, " +
        $"or name the folder that holds it in {FoldersVariable}.");

    /// <summary>As <see cref="Resolve"/>, but null where there is none.</summary>
    public static string? Find(string model)
    {
        if (IsModel(model))
            return Full(model);
        if (File.Exists(model))
            throw new NotSupportedException($"'{model}' is a file, and no .gguf file; give the model's directory, with config.json, model.safetensors and tokenizer.json.");
        return Folders().Select(folder => Named(folder, model)).FirstOrDefault(found => found.Count > 0) switch
        {
            [string one] => one,
            null => null,
            var several => throw new ArgumentException($"The name '{model}' stands for {Listed(several)}; give the path of one of them."),
        };
    }

    /// <summary>Where a model that a saved adapter names may be, the likeliest first.</summary>
    public static IEnumerable<string> Candidates(string name)
    {
        var likely = (IsModel(name) ? [Full(name)] : Array.Empty<string>()).Concat(Folders().SelectMany(folder => Named(folder, Path.GetFileName(Path.TrimEndingDirectorySeparator(name)))));
        var others = Folders().Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFileSystemEntries(folder).Where(IsModel).Order(StringComparer.Ordinal));
        return likely.Concat(others).Where(path => File.Exists(path) || File.Exists(Path.Combine(path, "config.json"))).Distinct();
    }

    public static string Listed(IEnumerable<string> paths) => string.Join(", ", paths.Select(path => $"'{path}'"));

    /// <summary>One spelling for each directory: what is held once is found by it.</summary>
    private static string Full(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    private static bool IsModel(string path) => Directory.Exists(path) || (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && File.Exists(path));

    /// <summary>What a folder holds under a name: the one entry with exactly this name, or else the GGUF files that quantise the model of this name.</summary>
    private static IReadOnlyList<string> Named(string folder, string name)
    {
        if (name.Length == 0 || name.AsSpan().IndexOfAny('/', '\\') >= 0 || name is "." or "..")
            return [];
        string exact = Path.Combine(folder, name);
        if (IsModel(exact))
            return [exact];
        if (!Directory.Exists(folder))
            return [];
        return [.. Directory.EnumerateFiles(folder).Where(file => IsModel(file) && IsNamed(Path.GetFileNameWithoutExtension(file), name)).Order(StringComparer.Ordinal)];
    }

    private static bool IsNamed(string file, string name) => file == name || Quantisation().Replace(file, "") == name;

    /// <summary>The end of a GGUF file's name that says how the weights are stored.</summary>
    [GeneratedRegex(@"[.-](F32|F16|BF16|MXFP4|I?Q[1-8](_[0-9A-Z]+)*|TQ[12]_0)$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Quantisation();
}
