using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// What a soft prompt was a function of when its training ended, its network above all, which the adapter no longer shows: training can
/// go on from it. Lies as `training_state.safetensors` beside the adapter; Hugging Face PEFT ignores that file.
/// </summary>
/// <param name="Tensors">The state by name, on the CPU.</param>
/// <param name="ModelFingerprint">Of the frozen model that it was trained on, if it was read from a file that says it.</param>
internal sealed record SoftPromptState(IReadOnlyDictionary<string, Tensor> Tensors, string? ModelFingerprint = null) : IDisposable
{
    public const string FileName = "training_state.safetensors";

    private const string FingerprintKey = "base_model_fingerprint";

    /// <summary>A copy of the soft prompt's state.</summary>
    public static SoftPromptState Of(SoftPrompt softPrompt)
    {
        using var scope = NewDisposeScope();
        return new SoftPromptState(softPrompt.State.ToDictionary(part => part.Key, part => part.Value.detach().cpu().clone().DetachFromDisposeScope()));
    }

    /// <summary>The state in a directory; null if it has none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static SoftPromptState? ReadFrom(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            return null;
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(path);
        if (file.Tensors.Values.FirstOrDefault(tensor => tensor.Type != ScalarType.Float32) is { } other)
            throw new InvalidDataException($"'{path}' has '{other.Name}' as {other.ElementType.Name}, which this library does not write; save the adapter again.");
        return new SoftPromptState(
            file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).clone().DetachFromDisposeScope()), file.Metadata.GetValueOrDefault(FingerprintKey));
    }

    /// <param name="directory">Where to.</param>
    /// <param name="modelFingerprint">Of the frozen model that it was trained on.</param>
    public void WriteTo(string directory, string modelFingerprint) => SafetensorsWriter.Write(
        Path.Combine(directory, FileName), Tensors, new Dictionary<string, string> { ["format"] = "pt", [FingerprintKey] = modelFingerprint });

    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
            tensor.Dispose();
    }
}
