using System.Security.Cryptography;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>The weights in a Hugging Face model directory: one safetensors file, or several with an index.</summary>
internal sealed class Checkpoint : WeightSource
{
    public const string FileName = "model.safetensors";
    public const string IndexName = "model.safetensors.index.json";

    private static readonly string[] PickleEndings = [".bin", ".pt", ".pth", ".ckpt"];

    private readonly Dictionary<string, SafetensorsFile> _shardOfTensor;

    private Checkpoint(string source, Dictionary<string, SafetensorsFile> shardOfTensor)
    {
        Source = source;
        _shardOfTensor = shardOfTensor;
    }

    public override string Source { get; }

    public IEnumerable<string> Names => _shardOfTensor.Keys;

    public override IEnumerable<(string Type, long Values, long Bytes)> Sizes =>
        Names.Select(Info).Select(info => (info.ElementType.Name, Product(info.Shape), info.Length));

    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="FileNotFoundException">It holds no weights, or a shard is missing.</exception>
    /// <exception cref="NotSupportedException">It holds weights as pickles only.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the index contradicts its shards.</exception>
    public static Checkpoint Open(string directory)
    {
        directory = Path.GetFullPath(directory);
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException($"The model directory '{directory}' does not exist.");
        }

        string single = Path.Combine(directory, FileName);
        if (File.Exists(single))
        {
            SafetensorsFile file = SafetensorsFile.Open(single);
            return new Checkpoint(single, file.Tensors.Keys.ToDictionary(name => name, _ => file));
        }

        string index = Path.Combine(directory, IndexName);
        return File.Exists(index) ? OpenShards(index) : throw NoWeights(directory);
    }

    /// <summary>The files that an index spreads the weights over.</summary>
    /// <exception cref="InvalidDataException">The index is damaged, or names files elsewhere or of another format.</exception>
    public static IReadOnlyList<string> ShardNames(string index)
    {
        string[] names = [.. ReadIndex(index).Select(entry => entry.FileName).Distinct().Order(StringComparer.Ordinal)];
        return names.FirstOrDefault(name => !name.EndsWith(".safetensors", StringComparison.Ordinal)) is { } other
            ? throw new InvalidDataException($"'{index}' names the shard '{other}', which is no safetensors file.")
            : names;
    }

    public override bool Contains(string name) => _shardOfTensor.ContainsKey(name);

    /// <exception cref="InvalidDataException">There is no such tensor.</exception>
    public TensorInfo Info(string name) => Shard(name).Info(name);

    /// <summary>A tensor over the mapped file; see <see cref="SafetensorsFile.Read"/>.</summary>
    public Tensor Read(string name) => Shard(name).Read(name);

    public override long[] Shape(string name) => Info(name).Shape;

    /// <exception cref="NotSupportedException">The tensor holds no floating-point numbers: it is quantised in some way, or no weight.</exception>
    public override Tensor Read(string name, ScalarType type)
    {
        TensorInfo info = Info(name);
        if (info.Type is not null and not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float64))
        {
            throw new NotSupportedException(
                $"The tensor '{name}' in '{Source}' holds {info.ElementType.Name}, no floating-point numbers; use the model in 16 or 32 bits, or as a .gguf file.");
        }

        return Read(name).to(type);
    }

    /// <summary>
    /// Identifies the weights however they are spread over files: a SHA-256, in lower-case hexadecimal, over every tensor's
    /// name, type and shape and up to 12 KiB of its data. Position ids, which only some versions of a model store, do not count.
    /// </summary>
    public override string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in Names.Order(StringComparer.Ordinal))
        {
            TensorInfo info = Info(name);
            if (!(name.EndsWith("position_ids", StringComparison.Ordinal) && info.ElementType.Name[0] is 'I' or 'U'))
            {
                AppendTensor(hash, name, info.ElementType.Name, info.Shape, info.Length, (start, count) => Shard(name).Bytes(name, start, count).ToArray());
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public override void Dispose()
    {
        foreach (SafetensorsFile shard in _shardOfTensor.Values.Distinct())
        {
            shard.Dispose();
        }
    }

    private SafetensorsFile Shard(string name) =>
        _shardOfTensor.TryGetValue(name, out SafetensorsFile? shard) ? shard : throw TensorNames.Missing(name, Names, Source);

    private static Checkpoint OpenShards(string index)
    {
        Dictionary<string, SafetensorsFile> shards = [], shardOfTensor = [];
        try
        {
            foreach ((string tensor, string fileName) in ReadIndex(index))
            {
                if (!shards.TryGetValue(fileName, out SafetensorsFile? shard))
                {
                    shard = OpenShard(index, fileName);
                    shards.Add(fileName, shard);
                }

                if (!shard.Tensors.ContainsKey(tensor))
                {
                    throw new InvalidDataException($"'{index}' says that the tensor '{tensor}' is in '{fileName}', but it is not; download the model again.");
                }

                shardOfTensor.Add(tensor, shard);
            }
        }
        catch
        {
            foreach (SafetensorsFile shard in shards.Values)
            {
                shard.Dispose();
            }

            throw;
        }

        return new Checkpoint(index, shardOfTensor);
    }

    private static SafetensorsFile OpenShard(string index, string fileName)
    {
        string path = Path.Combine(Path.GetDirectoryName(index)!, fileName);
        return File.Exists(path)
            ? SafetensorsFile.Open(path)
            : throw new FileNotFoundException($"'{index}' names the shard '{fileName}', which is missing; download it too.", path);
    }

    private static List<(string Tensor, string FileName)> ReadIndex(string index)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(index), new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind == JsonValueKind.Object &&
                document.RootElement.TryGetProperty("weight_map", out JsonElement map) && map.ValueKind == JsonValueKind.Object)
            {
                return [.. map.EnumerateObject().Select(entry => (entry.Name, CheckShardName(index, entry.Value.GetString() ?? "")))];
            }
        }
        // The latter for values that are no strings and for strings with half of a surrogate pair.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{index}' is not a valid index of shards: {e.Message}", e);
        }

        throw new InvalidDataException($"'{index}' is not a valid index of shards: it lacks the map 'weight_map' from tensors to files.");
    }

    /// <summary>An index comes from strangers: it may name files beside it, nothing elsewhere.</summary>
    private static string CheckShardName(string index, string fileName) => fileName.Length == 0 || fileName is "." or ".." || fileName.AsSpan().ContainsAny("/\\:\0")
        ? throw new InvalidDataException($"'{index}' names the shard '{fileName}', which is not a plain file name.")
        : fileName;

    private static Exception NoWeights(string directory)
    {
        string? pickle = Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)
            .FirstOrDefault(file => PickleEndings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase));
        return pickle is null
            ? new FileNotFoundException(
                $"The model directory '{directory}' holds no weights; expected '{FileName}', or '{IndexName}' with its shards.", Path.Combine(directory, FileName))
            : new NotSupportedException(
                $"'{pickle}' is a Python pickle, which can run code and is never loaded; convert it to '{FileName}', " +
                "in Python with model.save_pretrained(directory, safe_serialization=True).");
    }
}
