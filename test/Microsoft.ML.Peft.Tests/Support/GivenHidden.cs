using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A backbone of given hidden states `[x, −x]`: each row has two virtual tokens (100 and 200), then one position per number x.</summary>
internal sealed class GivenHidden(float[][] rows) : Backbone
{
    private const int VirtualTokens = 2;

    public ScalarType Number { get; init; } = ScalarType.Float32;

    public override ModelConfiguration Configuration => throw new NotSupportedException();

    public override ScalarType Type => Number;

    public override Device Device => CPU;

    public override Tensor WordEmbeddings => throw new NotSupportedException();

    public override int VirtualPositions(Prompt? prompt) => VirtualTokens;

    public override Tensor Forward(TokenBatch batch, Prompts prompts, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null)
    {
        float[] values = [.. batch.Layout.Order.SelectMany(row => new float[] { 100, 200 }.Concat(rows[row]))];
        var hidden = (tensor(values).unsqueeze(1) * tensor(new float[] { 1, -1 })).to(Type);
        return positions is null ? hidden : hidden.index_select(0, positions);
    }

    public override void Dispose()
    {
    }
}
