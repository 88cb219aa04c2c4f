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

    /// <summary>What the head reads of each row.</summary>
    public HeadReading Reading => new(Pooling, _layout);

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
    public Tensor Forward(Backbone transformer, TokenBatch batch, Prompts prompts) => Forward(Pool(transformer, batch, prompts, Pooling, _layout));

    /// <summary>The outputs `[B, C]` for what the head reads of each row `[B, D]`.</summary>
    public Tensor Forward(Tensor pooled)
    {
        if (_pooler is not null)
            pooled = tanh(nn.functional.linear(pooled, _pooler.Weight.to(ScalarType.Float32), _pooler.Bias?.to(ScalarType.Float32)));
        if (_layout.Dense is { } dense)
            pooled = _layout.DenseActivation.Apply(Linear(dense, pooled));
        return Linear(_layout.Output, pooled);
    }

    /// <summary>One vector per row `[B, D]`, 32-bit, in the rows' own order.</summary>
    public static Tensor Pool(Backbone transformer, TokenBatch batch, Prompts prompts, Pooling pooling, HeadLayout layout) =>
        Pool(transformer, batch, prompts, _ => new HeadReading(pooling, layout));

    /// <summary>One vector per row `[B, D]`, 32-bit, in the rows' own order; by the number of a row's soft prompt what is read of it.</summary>
    public static Tensor Pool(Backbone transformer, TokenBatch batch, Prompts prompts, Func<int, HeadReading> readings)
    {
        int Virtual(int number) => transformer.VirtualPositions(prompts[number]);
        var rows = batch.Layout.Widen(Virtual);
        var spans = rows.Groups.Select(group => readings(group.Prompt).Of(group, Virtual(group.Prompt))).ToList();
        var hidden = transformer.Forward(batch, prompts, spans.TrueForAll(span => span.IsWhole) ? null : tensor([.. spans.SelectMany(span => span.Places)], device: transformer.Device));
        Tensor Vectors(HeadSpan span, Tensor part)
        {
            var read = part.view(span.Rows.Rows, span.Count, -1).to(ScalarType.Float32);
            return span.Count == 1 ? read.squeeze(1) : read.mean([1]);
        }
        var vectors = cat([.. spans.Zip(hidden.split([.. spans.Select(span => span.Rows.Rows * span.Count)], 0), Vectors)], 0);     // [B, D], as the rows lie
        var places = new long[rows.Rows];
        for (int i = 0; i < places.Length; i++)
            places[rows.Order[i]] = i;
        return vectors.index_select(0, tensor(places, device: hidden.device));
    }

    public void Dispose()
    {
        foreach (var parameter in _parameters.Values)
            parameter.Dispose();
    }

    private Tensor Linear(string name, Tensor x) => nn.functional.linear(x, _parameters[name + ".weight"], _parameters.GetValueOrDefault(name + ".bias"));
}
