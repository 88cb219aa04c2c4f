using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>A trained adapter that another training goes on from.</summary>
internal sealed class InitialAdapter : IDisposable
{
    private const string DirectPrefix = "prefix tuning";
    private const string ProjectedPrefix = "prefix tuning with projection";

    private readonly string _directory;
    private readonly MethodSettings _method;
    private readonly Adapter _adapter;
    private readonly SoftPromptState? _state;

    private InitialAdapter(string directory, PretrainedModel backbone, MethodSettings method)
    {
        _directory = Path.GetFullPath(directory);
        _method = method;
        _adapter = Adapter.Load(backbone, directory);
        _state = SoftPromptState.ReadFrom(directory);
    }

    private bool NeedsState => _method is PTuningSettings or PrefixTuningSettings { Projection: true };

    /// <summary>The adapter in a directory, which must be of the same method and frozen model; null for no directory.</summary>
    /// <exception cref="ArgumentException">It is of another method, length or frozen model.</exception>
    /// <exception cref="FileNotFoundException">It lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or does not fit the frozen model.</exception>
    public static InitialAdapter? Open(string? directory, PretrainedModel backbone, MethodSettings method)
    {
        if (directory is null)
            return null;
        var initial = new InitialAdapter(directory, backbone, method);
        try
        {
            initial.CheckMethod();
            initial.CheckModel(backbone);
            return initial;
        }
        catch
        {
            initial.Dispose();
            throw;
        }
    }

    /// <summary>Gives a new soft prompt the values of this one.</summary>
    public void Start(SoftPrompt softPrompt)
    {
        if (NeedsState)
            softPrompt.Restore(_state!.Tensors, Path.Combine(_directory, SoftPromptState.FileName));
        else
            softPrompt.Restore(new Dictionary<string, Tensor> { ["embedding.weight"] = _adapter.PromptEmbeddings }, Path.Combine(_directory, AdapterDirectory.TensorsName));
    }

    /// <summary>Gives a new head the values of this one if both mean the same, and says so if not.</summary>
    /// <returns>Whether it did.</returns>
    public bool Start(SequenceHead head, PredictionTask task, IReadOnlyList<string>? labels, Action<string> log)
    {
        if (Difference(head, task, labels) is { } difference)
        {
            log($"The soft prompt starts from '{_directory}', the head anew: {difference}.");
            return false;
        }
        ParameterValues.Restore(head.Parameters.Values, [.. head.Parameters.Keys.Select(name => _adapter.Head!.Parameters[name])]);
        return true;
    }

    public void Dispose()
    {
        _adapter.Dispose();
        _state?.Dispose();
    }

    private string? Difference(SequenceHead head, PredictionTask task, IReadOnlyList<string>? labels)
    {
        if (_adapter is not { Head: { } other, Description: { } description })
            return "that adapter has none";
        if (description.Task != task)
            return $"that adapter's is for {description.Task}, this one for {task}";
        if (other.Pooling != head.Pooling)
            return $"that adapter's pools by {other.Pooling}, this one by {head.Pooling}";
        if (other.Outputs != head.Outputs || !(description.Labels ?? []).SequenceEqual(labels ?? []))
            return description.Labels is null && labels is not null ? "that adapter does not name its classes" : "that adapter has other classes";
        return null;
    }

    private void CheckMethod()
    {
        var configuration = _adapter.Configuration;
        string theirs = Name(configuration), ours = Name(_method);
        long rows = _adapter.PromptEmbeddings.size(0);
        long length = configuration.NumVirtualTokens ?? (configuration.PeftType == PeftType.PrefixTuning ? rows : rows / configuration.Submodules);
        // What a projection computed is a prefix like any other.
        bool goesOn = theirs == ours || (theirs, ours) == (ProjectedPrefix, DirectPrefix);
        if (!goesOn || length != _method.VirtualTokens)
        {
            throw new ArgumentException(
                $"InitialAdapter '{_directory}' is one of {theirs} with {length} virtual tokens, but the options ask for {ours} with {_method.VirtualTokens} virtual tokens; " +
                "use its method and its number of virtual tokens.");
        }
        if (NeedsState && _state is null)
        {
            string path = Path.Combine(_directory, SoftPromptState.FileName);
            throw new FileNotFoundException(
                $"'{path}' is missing: {ours} trains a network that the adapter itself no longer shows. Save it with SaveAdapter(directory, includeTrainingState: true) where it is trained" +
                (ours == ProjectedPrefix ? ", or go on without Projection." : "."), path);
        }
    }

    private void CheckModel(PretrainedModel backbone)
    {
        if (_state?.ModelFingerprint is { } fingerprint && fingerprint != backbone.Fingerprint)
        {
            throw new ArgumentException(
                $"InitialAdapter '{_directory}' was trained on '{_adapter.Configuration.BaseModelNameOrPath}' (fingerprint {fingerprint}), but the frozen model is '{backbone.Name}' " +
                $"(fingerprint {backbone.Fingerprint}), which has other weights; train on the same model.");
        }
    }

    private static string Name(MethodSettings method) => method switch
    {
        PromptTuningSettings => "prompt tuning",
        PrefixTuningSettings prefix => prefix.Projection ? ProjectedPrefix : DirectPrefix,
        PTuningSettings pTuning => PTuning(pTuning.Encoder.ToString()),
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, null),
    };

    private static string Name(AdapterConfiguration configuration) => configuration.PeftType switch
    {
        PeftType.PromptTuning => "prompt tuning",
        PeftType.PrefixTuning => configuration.PrefixProjection ? ProjectedPrefix : DirectPrefix,
        PeftType.PTuning => PTuning(configuration.EncoderReparameterizationType),
        _ => throw new ArgumentOutOfRangeException(nameof(configuration), configuration.PeftType, null),
    };

    private static string PTuning(string encoder) => $"P-tuning with an {encoder.ToUpperInvariant()}";
}
