using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Targets that an encoder–decoder writes. The encoder runs once; of its output each decoder layer keeps its keys and values.</summary>
internal sealed class EncoderDecoderRows(EncoderDecoder model) : WrittenRows(model)
{
    private readonly KeyValueCache _targets = new(model.Configuration, model.Type, model.Device);
    private readonly KeyValueCache _sources = new(model.Configuration, model.Type, model.Device);

    protected override Tensor Read(IReadOnlyList<IReadOnlyList<int>> texts, Prompts prompts, IReadOnlyList<int> numbers, int maxNewTokens)
    {
        var (source, sources) = model.Encode(TokenBatch.Create(texts, model.Device, numbers), prompts);
        _sources.Join(sources, _ => 0, room: 0);
        var start = TokenBatch.Create([.. texts.Select(_ => new[] { model.Configuration.StartId })], model.Device, numbers);
        _targets.Join(start.Layout, prompts.PrefixLength, maxNewTokens);
        var attention = new PackedSource(
            source, sources, start.Layout, model.Configuration.HeadSize, (layer, key, value) => _sources.Fill(layer, sources, key, value, default));
        return model.Decode(
            start, prompts, attention, tensor(start.Layout.Last(), device: model.Device), (layer, key, value) => _targets.Fill(layer, start.Layout, key, value, prompts));
    }

    protected override Tensor Next(Tensor ids) => model.Next(ids, _targets, new CachedSource(_sources));

    protected override void Select(IReadOnlyList<int> rows)
    {
        _targets.Keep(rows);
        _sources.Keep(rows);
    }

    protected override void Free()
    {
        _targets.Dispose();
        _sources.Dispose();
    }
}
