using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Rows that a decoder writes on: the texts pass it once, then each step computes one position per row over the cached keys and values.</summary>
internal sealed class DecoderRows : WrittenRows
{
    private readonly Decoder _decoder;
    private readonly KeyValueCache _cache;
    private Tensor _logits;

    public DecoderRows(Decoder decoder, IReadOnlyList<IReadOnlyList<int>> texts, Prompt? prompt, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        _decoder = decoder;
        var batch = TokenBatch.Create(texts, decoder.Device);
        var prefix = prompt is null ? null : decoder.Prepare(prompt);
        var keysValues = prefix?.KeysValuesAs(decoder.Type);
        _cache = new KeyValueCache(decoder.Configuration, batch.Layout, prefix?.Length ?? 0, maxNewTokens, decoder.Type, decoder.Device);
        var last = tensor(batch.Layout.Last(), device: decoder.Device);
        _logits = Detached(decoder.Forward(batch, prefix, last, (layer, key, value) => _cache.Fill(layer, batch.Layout, key, value, keysValues)));
    }

    public override Tensor Logits => _logits;

    public override void Append(IReadOnlyList<int> tokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var ids = tensor(tokens.Select(token => (long)token).ToArray(), device: _decoder.Device);
        _logits.Dispose();
        _logits = Detached(_decoder.Next(ids, _cache));
    }

    public override void Keep(IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        _cache.Keep(rows);
        using var old = _logits;
        _logits = old.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: _decoder.Device)).DetachFromDisposeScope();
    }

    public override void Dispose()
    {
        _logits.Dispose();
        _cache.Dispose();
    }

    private Tensor Detached(Tensor hidden) => _decoder.Logits(hidden).DetachFromDisposeScope();
}
