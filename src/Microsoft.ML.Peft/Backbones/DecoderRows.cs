using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Rows that a decoder writes on: what is written stands behind the text, and both in one cache.</summary>
internal sealed class DecoderRows(Decoder decoder) : WrittenRows(decoder)
{
    private readonly KeyValueCache _cache = new(decoder.Configuration, decoder.Type, decoder.Device);

    protected override Tensor Read(IReadOnlyList<IReadOnlyList<int>> texts, Prompts prompts, IReadOnlyList<int> numbers, int maxNewTokens)
    {
        var batch = TokenBatch.Create(texts, decoder.Device, numbers);
        _cache.Join(batch.Layout, prompts.PrefixLength, maxNewTokens);
        var last = tensor(batch.Layout.Last(), device: decoder.Device);
        return decoder.Forward(batch, prompts, last, (layer, key, value) => _cache.Fill(layer, batch.Layout, key, value, prompts));
    }

    protected override Tensor Next(Tensor ids) => decoder.Next(ids, _cache);

    protected override void Select(IReadOnlyList<int> rows) => _cache.Keep(rows);

    protected override void Free() => _cache.Dispose();
}
