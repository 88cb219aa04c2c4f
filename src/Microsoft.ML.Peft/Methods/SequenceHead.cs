using Microsoft.ML.Peft.Backbones;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>
/// The head over a frozen model's hidden states: pooling, then the layers that a <see cref="HeadLayout"/> names. Computed in
/// 32-bit floats whatever the frozen weights are.
/// </summary>
internal sealed class SequenceHead : IDisposable
{
    private readonly SortedDictionary<string, Parameter> _parameters = new(StringComparer.Ordinal);
    private readonly HeadLayout _layout;
    private readonly FrozenLinear? _pooler;

    /// <param name="pooling">Resolved: not <see cref="Peft.Pooling.Auto"/>.</param>
    /// <param name="layout">The layers.</param>
    /// <param name="values">Their values, by name with `.weight` and `.bias`.</param>
    /// <param name="pooler">The frozen pooler where the layout uses it.</param>
    public SequenceHead(Pooling pooling, HeadLayout layout, IReadOnlyDictionary<string, Tensor> values, FrozenLinear? pooler)
    {
        Pooling = pooling;
        _layout = layout;
        _pooler = layout.UsesPooler ? pooler ?? throw new ArgumentNullException(nameof(pooler)) : null;
        foreach (string name in ParameterNames(layout))
            _parameters.Add(name, Trainable.Create(values[name]));
    }

    public Pooling Pooling { get; }

    public HeadLayout Layout => _layout;

    public IReadOnlyDictionary<string, Parameter> Parameters => _parameters;

    /// <summary>The output layer's weight `[C, D]`.</summary>
    public Parameter OutputWeight => _parameters[_layout.Output + ".weight"];

    /// <summary>The output layer's bias `[C]`; null where the layout has none.</summary>
    public Parameter? OutputBias => _parameters.GetValueOrDefault(_layout.Output + ".bias");

    /// <summary>The number of outputs C.</summary>
    public int Outputs => (int)OutputWeight.size(0);

    public static IEnumerable<string> ParameterNames(HeadLayout layout)
    {
        if (layout.Dense is { } dense)
        {
            yield return dense + ".weight";
            yield return dense + ".bias";
        }
        yield return layout.Output + ".weight";
        if (layout.OutputBias)
            yield return layout.Output + ".bias";
    }

    /// <summary>Values before training: as PyTorch starts linear layers, the output layer zero.</summary>
    public static IReadOnlyDictionary<string, Tensor> Initialize(HeadLayout layout, int hiddenSize, int outputs, Initializer initializer)
    {
        var values = new Dictionary<string, Tensor>();
        void Set(string name, LinearValues linear) => (values[name + ".weight"], values[name + ".bias"]) = (linear.Weight, linear.Bias);
        if (layout.Dense is not null)
            Set(layout.Dense, initializer.Linear(hiddenSize, hiddenSize));
        Set(layout.Output, initializer.ZeroLinear(outputs, hiddenSize));
        return values;
    }

    /// <summary>The outputs `[B, C]` over hidden states `[B, S, D]` whose last T positions are the batch's text.</summary>
    public Tensor Forward(Tensor hidden, TokenBatch batch)
    {
        var pooled = Pool(hidden, batch);                                               // [B, D]
        if (_pooler is not null)
            pooled = tanh(nn.functional.linear(pooled, _pooler.Weight.to(ScalarType.Float32), _pooler.Bias?.to(ScalarType.Float32)));
        if (_layout.Dense is { } dense)
            pooled = _layout.DenseActivation.Apply(Linear(dense, pooled));
        return Linear(_layout.Output, pooled);
    }

    /// <summary>One vector per row `[B, D]`, 32-bit.</summary>
    public Tensor Pool(Tensor hidden, TokenBatch batch) => Pool(hidden, batch, Pooling, _layout);

    public static Tensor Pool(Tensor hidden, TokenBatch batch, Pooling pooling, HeadLayout layout)
    {
        long textStart = hidden.size(1) - batch.Length;
        switch (pooling)
        {
            case Pooling.Cls when batch.Mask is null:
                return hidden.select(1, textStart).to(ScalarType.Float32);
            case Pooling.Cls:                                                           // padding may stand on the left
                return At(hidden, batch.Mask.argmax(1) + textStart);
            case Pooling.HuggingFace when layout.ReadsLastToken:
                return LastToken(hidden, batch, textStart);
            case Pooling.HuggingFace:
                return hidden.select(1, 0).to(ScalarType.Float32);                      // a virtual token where there are any
            case Pooling.Mean:
                var text = hidden.narrow(1, textStart, batch.Length).to(ScalarType.Float32);
                if (batch.Mask is null)
                    return text.mean([1]);
                var mask = batch.Mask.unsqueeze(2).to(ScalarType.Float32);              // [B, T, 1]
                return (text * mask).sum(1) / mask.sum(1);
            default:
                throw new ArgumentOutOfRangeException(nameof(pooling), pooling, "The pooling must be resolved.");
        }
    }

    /// <summary>The hidden state of each row's last token; padding may stand on either side.</summary>
    private static Tensor LastToken(Tensor hidden, TokenBatch batch, long textStart)
    {
        if (batch.Mask is not { } mask)
            return hidden.select(1, hidden.size(1) - 1).to(ScalarType.Float32);
        var last = (mask * arange(1, batch.Length + 1, dtype: ScalarType.Int64, device: mask.device)).argmax(1);
        return At(hidden, last + textStart);
    }

    /// <summary>One position per row: `[B, D]`, 32-bit.</summary>
    private static Tensor At(Tensor hidden, Tensor positions) =>
        hidden.gather(1, positions.view(-1, 1, 1).expand(-1, 1, hidden.size(2))).squeeze(1).to(ScalarType.Float32);

    public void Dispose()
    {
        foreach (var parameter in _parameters.Values)
            parameter.Dispose();
    }

    private Tensor Linear(string name, Tensor x) => nn.functional.linear(x, _parameters[name + ".weight"], _parameters.GetValueOrDefault(name + ".bias"));
}
