using static TorchSharp.torch;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>The frozen models of a search: each is loaded when a trial first needs it, and stays loaded until the search ends.</summary>
/// <param name="defaultModel">What null stands for.</param>
/// <param name="device">Where the models compute.</param>
internal sealed class SharedModels(string defaultModel, Device device) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Name, Precision Precision), PretrainedModel> _loaded = [];

    /// <summary>A use of the model, which the caller gives up in the end.</summary>
    public PretrainedModel Use(string? model, Precision precision, CancellationToken cancellationToken)
    {
        var key = (model ?? defaultModel, precision);
        lock (_gate)
        {
            if (!_loaded.TryGetValue(key, out var loaded))
                _loaded[key] = loaded = PretrainedModel.Load(key.Item1, precision, device, null, cancellationToken);
            return loaded.Share();
        }
    }

    public void Dispose()
    {
        foreach (var model in _loaded.Values)
            model.Dispose();
        _loaded.Clear();
    }
}
