using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>A soft prompt and a head in training on a frozen transformer.</summary>
internal sealed record Trainee(Backbone Backbone, SoftPrompt SoftPrompt, SequenceHead Head) : IDisposable
{
    /// <summary>All that is trained.</summary>
    public IEnumerable<Parameter> Parameters => SoftPrompt.Parameters.Values.Concat(Head.Parameters.Values);

    /// <summary>The head's outputs `[B, C]`. The soft prompt is computed once for the batch, not once per row.</summary>
    public Tensor Forward(TokenBatch batch) => Head.Forward(Backbone, batch, SoftPrompt.Forward());

    public void Dispose()
    {
        SoftPrompt.Dispose();
        Head.Dispose();
    }
}
