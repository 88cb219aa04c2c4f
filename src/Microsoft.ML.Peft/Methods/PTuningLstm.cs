using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>
/// P-tuning (Liu et al. 2021) with a bidirectional LSTM as prompt encoder, then 2H → 2H → E with a ReLU. The LSTM is
/// written out (Hochreiter and Schmidhuber 1997; gates in the order i, f, g, o): libtorch's own module draws its initial
/// weights from the process-global random state.
/// </summary>
internal sealed class PTuningLstm : SoftPrompt
{
    private readonly Parameter _embedding;
    private readonly Direction[][] _layers;
    private readonly (Parameter Weight, Parameter Bias) _first;
    private readonly (Parameter Weight, Parameter Bias) _second;
    private readonly double _dropout;
    private readonly Generator? _generator;
    private readonly int _submodules;

    /// <param name="embedding">`[P, E]`</param>
    /// <param name="layers">Per layer the forward and the backward direction's weights.</param>
    /// <param name="first">`[2H, 2H]`</param>
    /// <param name="second">`[E, 2H]`</param>
    /// <param name="start">Token embeddings `[P, E]` that the network corrects; null for the paper's own form.</param>
    /// <param name="dropout">The dropout between layers, 0 to 1.</param>
    /// <param name="generator">Draws the dropout; needed if there is any.</param>
    /// <param name="submodules">2 for an encoder–decoder, else 1; see <see cref="Prompt.FromEmbeddings"/>.</param>
    public PTuningLstm(
        Tensor embedding, IReadOnlyList<(LstmValues Forward, LstmValues Backward)> layers, LinearValues first, LinearValues second,
        Tensor? start, double dropout = 0, Generator? generator = null, int submodules = 1)
    {
        _embedding = Add("embedding.weight", embedding);
        _layers = [.. layers.Select((layer, i) => new[] { AddDirection(layer.Forward, $"l{i}"), AddDirection(layer.Backward, $"l{i}_reverse") })];
        _first = (Add("mlp_head.0.weight", first.Weight), Add("mlp_head.0.bias", first.Bias));
        _second = (Add("mlp_head.2.weight", second.Weight), Add("mlp_head.2.bias", second.Bias));
        Start = Constant(start);
        _dropout = dropout;
        _generator = generator;
        _submodules = submodules;
    }

    public override Generator? Generator => _dropout > 0 ? _generator : null;

    public override Tensor Compute()
    {
        Tensor sequence = _embedding;                                               // [P, E]
        for (int i = 0; i < _layers.Length; i++)
        {
            if (i > 0 && _dropout > 0 && is_grad_enabled())
                sequence = Drop(sequence);
            sequence = cat([Run(_layers[i][0], sequence), Run(_layers[i][1], sequence.flip(0)).flip(0)], 1);   // [P, 2H]
        }
        var inner = nn.functional.relu(nn.functional.linear(sequence, _first.Weight, _first.Bias));
        var prompt = nn.functional.linear(inner, _second.Weight, _second.Bias);     // [P, E]
        return Start is null ? prompt : prompt.Plus(Start);
    }

    public override Prompt Forward() => Prompt.FromEmbeddings(Compute(), _submodules);

    /// <summary>One direction over the sequence `[P, in]`: the hidden states `[P, H]`.</summary>
    private static Tensor Run(Direction lstm, Tensor sequence)
    {
        var inputs = nn.functional.linear(sequence, lstm.InputWeight, lstm.InputBias.Plus(lstm.HiddenBias));       // [P, 4H]
        int length = (int)inputs.size(0);
        long size = lstm.HiddenWeight.size(1);
        Tensor hidden = zeros(1, size, device: sequence.device), cell = zeros_like(hidden);
        var outputs = new Tensor[length];
        for (int t = 0; t < length; t++)
        {
            var gates = inputs.narrow(0, t, 1).Plus(nn.functional.linear(hidden, lstm.HiddenWeight)).chunk(4, 1);
            var (input, forget, candidate, output) = (sigmoid(gates[0]), sigmoid(gates[1]), tanh(gates[2]), sigmoid(gates[3]));
            cell = forget.mul(cell).Plus(input.mul(candidate));
            hidden = output.mul(tanh(cell));
            outputs[t] = hidden;
        }
        return cat(outputs, 0);
    }

    private Tensor Drop(Tensor x)
    {
        using var draw = rand(x.shape, generator: _generator);
        using Scalar dropped = _dropout;
        return x.mul(draw.ge(dropped).to(x.device)).Times(1 / (1 - _dropout));
    }

    private Direction AddDirection(LstmValues values, string suffix) => new(
        Add($"lstm_head.weight_ih_{suffix}", values.InputWeight), Add($"lstm_head.weight_hh_{suffix}", values.HiddenWeight),
        Add($"lstm_head.bias_ih_{suffix}", values.InputBias), Add($"lstm_head.bias_hh_{suffix}", values.HiddenBias));

    private sealed record Direction(Parameter InputWeight, Parameter HiddenWeight, Parameter InputBias, Parameter HiddenBias);
}

/// <summary>One direction of one LSTM layer: `[4H, in]`, `[4H, H]`, `[4H]`, `[4H]`.</summary>
internal sealed record LstmValues(Tensor InputWeight, Tensor HiddenWeight, Tensor InputBias, Tensor HiddenBias);
