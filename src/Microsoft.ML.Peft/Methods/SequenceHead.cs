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

    /// <summary>The outputs `[B, C]` for a batch, in its rows' own order.</summary>
    public Tensor Forward(Backbone transformer, TokenBatch batch, Prompt? prompt)
    {
        var pooled = Pool(transformer, batch, prompt, Pooling, _layout);                // [B, D]
        if (_pooler is not null)
            pooled = tanh(nn.functional.linear(pooled, _pooler.Weight.to(ScalarType.Float32), _pooler.Bias?.to(ScalarType.Float32)));
        if (_layout.Dense is { } dense)
            pooled = _layout.DenseActivation.Apply(Linear(dense, pooled));
        return Linear(_layout.Output, pooled);
    }

    /// <summary>One vector per row `[B, D]`, 32-bit, in the rows' own order.</summary>
    public static Tensor Pool(Backbone transformer, TokenBatch batch, Prompt? prompt, Pooling pooling, HeadLayout layout)
    {
        int virtualTokens = transformer.VirtualPositions(prompt);
        var rows = batch.Layout.Widen(virtualTokens);
        long[]? read = pooling switch
        {
            Pooling.Cls => rows.At(virtualTokens),
            Pooling.HuggingFace when layout.ReadsLastToken => rows.Last(),
            Pooling.HuggingFace => rows.At(0),                                          // a virtual token where there are any
            Pooling.Mean => null,
            _ => throw new ArgumentOutOfRangeException(nameof(pooling), pooling, "The pooling must be resolved."),
        };
        if (read is null)
            return Mean(transformer.Forward(batch, prompt), rows, virtualTokens);
        return transformer.Forward(batch, prompt, tensor(read, device: transformer.Device)).to(ScalarType.Float32);
    }

    /// <summary>The mean over each row's text.</summary>
    private static Tensor Mean(Tensor hidden, RowLayout rows, int virtualTokens)
    {
        long size = hidden.size(1);
        var means = cat([.. rows.Groups.Zip(rows.Split(hidden), (group, part) => part.view(group.Rows, group.Length, size)
            .narrow(1, virtualTokens, group.Length - virtualTokens).to(ScalarType.Float32).mean([1]))], 0);     // [B, D], as the rows lie
        var places = new long[rows.Rows];
        for (int i = 0; i < places.Length; i++)
            places[rows.Order[i]] = i;
        return means.index_select(0, tensor(places, device: hidden.device));
    }

    public void Dispose()
    {
        foreach (var parameter in _parameters.Values)
            parameter.Dispose();
    }

    private Tensor Linear(string name, Tensor x) => nn.functional.linear(x, _parameters[name + ".weight"], _parameters.GetValueOrDefault(name + ".bias"));
}
