using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>An adapter directory of Hugging Face PEFT: a configuration and the trained tensors.</summary>
internal static class AdapterDirectory
{
    public const string ConfigurationName = "adapter_config.json";
    public const string TensorsName = "adapter_model.safetensors";
    public const string PromptEmbeddings = "prompt_embeddings";

    private const string PickleName = "adapter_model.bin";

    /// <summary>The directory as one whose files are replaced together.</summary>
    public static AtomicDirectory At(string directory) => new(directory, last: ConfigurationName);

    /// <summary>Reads an adapter; the tensors are copies that belong to the caller, on the CPU and in the file's precision.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="FileNotFoundException">It lacks one of the two files.</exception>
    /// <exception cref="NotSupportedException">It holds a pickle or an unsupported kind of adapter.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or they contradict each other.</exception>
    public static (AdapterConfiguration Configuration, Dictionary<string, Tensor> Tensors) Read(string directory)
    {
        directory = Path.GetFullPath(directory);
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"The adapter directory '{directory}' does not exist.");
        }

        At(directory).Recover();

        var configuration = AdapterConfiguration.Read(Expect(directory, ConfigurationName));
        string path = Path.Combine(directory, TensorsName);
        if (!File.Exists(path) && File.Exists(Path.Combine(directory, PickleName)))
        {
            throw new NotSupportedException(
                $"'{Path.Combine(directory, PickleName)}' is a Python pickle, which can run code and is never loaded; convert it to '{TensorsName}', " +
                "in Python with model.save_pretrained(directory, safe_serialization=True).");
        }

        using SafetensorsFile file = SafetensorsFile.Open(Expect(directory, TensorsName));
        CheckPrompt(file, configuration);
        using var scope = NewDisposeScope();
        return (configuration, file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).clone().MoveToOuterDisposeScope()));
    }

    /// <summary>Writes the files of an adapter that Hugging Face PEFT can load, creating the directory if need be.</summary>
    /// <exception cref="IOException">The disk is full or the path unusable.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    public static void Write(string directory, AdapterConfiguration configuration, IReadOnlyDictionary<string, Tensor> tensors)
    {
        directory = Path.GetFullPath(directory);
        Directory.CreateDirectory(directory);
        // The configuration comes last: a new directory that has one is complete.
        SafetensorsWriter.Write(Path.Combine(directory, TensorsName), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        AtomicFile.Write(Path.Combine(directory, ConfigurationName), stream => stream.Write(Encoding.ASCII.GetBytes(configuration.ToJson())));
    }

    private static string Expect(string directory, string name)
    {
        string path = Path.Combine(directory, name);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException(
                $"The adapter directory '{directory}' lacks '{name}'; a Hugging Face PEFT adapter has '{ConfigurationName}' and '{TensorsName}'.", path);
    }

    private static void CheckPrompt(SafetensorsFile file, AdapterConfiguration configuration)
    {
        TensorInfo prompt = file.Info(PromptEmbeddings);
        bool isPrefix = configuration.IsPrefix;
        // An encoder–decoder's input prompts lie one behind the other; prefixes are per layer instead.
        long? rows = isPrefix ? configuration.NumVirtualTokens : (long?)configuration.NumVirtualTokens * configuration.Submodules;
        long? columns = isPrefix ? null : configuration.TokenDim;
        if (prompt.Shape is not [> 0, > 0] || prompt.Shape[0] != (rows ?? prompt.Shape[0]) || prompt.Shape[1] != (columns ?? prompt.Shape[1]))
        {
            throw new InvalidDataException(
                $"'{file.Path}' holds '{PromptEmbeddings}' of shape [{string.Join(", ", prompt.Shape)}], but '{ConfigurationName}' " +
                $"asks for [{rows?.ToString() ?? "virtual tokens"}, {columns?.ToString() ?? (isPrefix ? "keys and values" : "hidden size")}]; the two files do not belong together.");
        }

        if (isPrefix && configuration.NumLayers is { } layers && prompt.Shape[1] % (2L * layers) != 0)
        {
            throw new InvalidDataException(
                $"'{file.Path}' holds '{PromptEmbeddings}' with {prompt.Shape[1]} values per virtual token, which are not {layers} layers of keys and values.");
        }

        if (prompt.Type is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64))
        {
            throw new InvalidDataException($"'{file.Path}' holds '{PromptEmbeddings}' as {prompt.ElementType.Name}; expected F32, F16, BF16 or F64.");
        }
    }
}
