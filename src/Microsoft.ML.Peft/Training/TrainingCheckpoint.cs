using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// A paused training on disk: one safetensors file with the tensors, and in its metadata the rest as JSON. One file, so that it is
/// replaced as a whole.
/// </summary>
internal sealed class TrainingCheckpoint : IDisposable
{
    public const string FileName = "training_checkpoint.safetensors";

    private const string StateKey = "state";
    private const string IdentityKey = "identity";

    private static readonly JsonSerializerOptions Format = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private readonly SafetensorsFile _file;

    private TrainingCheckpoint(SafetensorsFile file)
    {
        _file = file;
        Identity = new TrainingIdentity(Parse<Dictionary<string, string>>(IdentityKey));
        State = Parse<TrainingState>(StateKey);
    }

    public TrainingIdentity Identity { get; }

    public TrainingState State { get; }

    public static bool ExistsIn(string directory) => File.Exists(Path.Combine(directory, FileName));

    /// <summary>Writes a checkpoint in place of an older one, creating the directory if need be.</summary>
    /// <exception cref="IOException">The disk is full or the path unusable.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory is not writable.</exception>
    public static void Write(string directory, TrainingIdentity identity, TrainingState state, IReadOnlyDictionary<string, Tensor> tensors)
    {
        Directory.CreateDirectory(directory);
        var metadata = new Dictionary<string, string>
        {
            [IdentityKey] = JsonSerializer.Serialize(identity.Parts, Format),
            [StateKey] = JsonSerializer.Serialize(state, Format),
        };
        SafetensorsWriter.Write(Path.Combine(directory, FileName), tensors, metadata);
    }

    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static TrainingCheckpoint Open(string directory)
    {
        string path = Path.GetFullPath(Path.Combine(directory, FileName));
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no checkpoint '{path}' to resume from.", path);
        var file = SafetensorsFile.Open(path);
        try
        {
            return new TrainingCheckpoint(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Removes a checkpoint, and what a killed process has left of one.</summary>
    public static void Delete(string directory)
    {
        foreach (string path in Directory.EnumerateFiles(directory, FileName + "*"))
            File.Delete(path);
    }

    /// <exception cref="ArgumentException">This is the checkpoint of another training.</exception>
    public void CheckIs(TrainingIdentity identity)
    {
        string[] differences = [.. identity.Differences(Identity)];
        if (differences.Length > 0)
        {
            throw new ArgumentException(
                $"The checkpoint '{_file.Path}' is of another training: {string.Join("; ", differences)}. " +
                "Train with the options, rows and model that it was made with, name another CheckpointDirectory, or delete the file.");
        }
    }

    /// <summary>Copies a tensor of the same shape and type.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public void CopyTo(string name, Tensor target)
    {
        using var frozen = no_grad();
        using var value = Checked(name, target);
        target.copy_(value);
    }

    /// <summary>A tensor of the shape and type of <paramref name="like"/>, on the CPU.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public Tensor Read(string name, Tensor like)
    {
        using var value = Checked(name, like);
        return value.clone();
    }

    public void Dispose() => _file.Dispose();

    private Tensor Checked(string name, Tensor like)
    {
        var info = _file.Info(name);
        if (info.Type != like.dtype || !info.Shape.AsSpan().SequenceEqual(like.shape))
            throw Damaged($"'{name}' is {info.ElementType.Name} [{string.Join(", ", info.Shape)}] instead of {like.dtype} [{string.Join(", ", like.shape)}]");
        return _file.Read(name);
    }

    private T Parse<T>(string key)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(_file.Metadata.GetValueOrDefault(key) ?? throw new JsonException($"it has no {key}"), Format) ?? throw new JsonException($"its {key} is null");
        }
        catch (JsonException e)
        {
            throw Damaged(e.Message, e);
        }
    }

    private InvalidDataException Damaged(string reason, Exception? cause = null) =>
        new($"The checkpoint '{_file.Path}' is damaged: {reason}. Delete it, and training starts anew.", cause);
}
