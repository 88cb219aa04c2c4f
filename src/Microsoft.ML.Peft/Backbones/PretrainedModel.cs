using TorchSharp;

namespace Microsoft.ML.Peft;

/// <summary>A frozen model.</summary>
public sealed class PretrainedModel : IDisposable
{
    /// <summary>Loads a model.</summary>
    /// <param name="model">A directory in Hugging Face layout or the name of an embedded model; null for the embedded default.</param>
    /// <param name="precision">The number format of the frozen weights.</param>
    /// <param name="device">Where it lives; null for the CPU.</param>
    public static PretrainedModel Load(string? model = null, Precision precision = Precision.Auto, torch.Device? device = null) => throw new NotImplementedException();

    /// <summary>Finds the model that an adapter was trained on, by name and fingerprint; throws FileNotFoundException that says what to put where.</summary>
    internal static PretrainedModel Find(string name, string fingerprint, Precision precision, torch.Device? device) => throw new NotImplementedException();

    /// <summary>The name a saved pipeline refers to: the embedded model's name or the path given.</summary>
    internal string Name => throw new NotImplementedException();

    internal string Fingerprint => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() { }
}
