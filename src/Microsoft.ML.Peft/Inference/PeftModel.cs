using Microsoft.ML.Peft.Inference;
using TorchSharp;

namespace Microsoft.ML.Peft;

/// <summary>A frozen model with one trained soft prompt and, for classification and regression, a head.</summary>
public sealed class PeftModel : IDisposable
{
    /// <summary>Loads an adapter directory.</summary>
    public static PeftModel Load(PretrainedModel backbone, string directory) => throw new NotImplementedException();

    internal static PeftModel FromFiles(PretrainedModel backbone, IReadOnlyDictionary<string, byte[]> files) => throw new NotImplementedException();

    internal PredictionTask Task => throw new NotImplementedException();

    internal int Outputs => throw new NotImplementedException();

    internal PretrainedModel Backbone => throw new NotImplementedException();

    /// <summary>Raw head outputs (logits, or the value), `[rows × Outputs]` row by row. Thread-safe.</summary>
    internal void Score(ReadOnlySpan<string> texts, ReadOnlySpan<string> secondTexts, Span<float> outputs) => throw new NotImplementedException();

    /// <summary>Saves.</summary>
    public void Save(string directory) => throw new NotImplementedException();

    /// <summary>The files of the adapter directory, by name.</summary>
    internal IReadOnlyDictionary<string, byte[]> ToFiles() => throw new NotImplementedException();

    /// <inheritdoc/>
    public void Dispose() { }
}
