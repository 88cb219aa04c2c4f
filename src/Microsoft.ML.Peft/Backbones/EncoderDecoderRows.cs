using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// Targets that an encoder–decoder writes. The encoder runs once; of its output each decoder layer keeps its keys and values. Then
/// each step computes one position per row.
/// </summary>
internal sealed class EncoderDecoderRows : WrittenRows
{
    private readonly EncoderDecoder _model;
    private readonly KeyValueCache _cache;
    private readonly CachedSource _source;
    private Tensor _logits;

    public EncoderDecoderRows(EncoderDecoder model, IReadOnlyList<IReadOnlyList<int>> texts, Prompt? prompt, int maxNewTokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        _model = model;
        var (source, layout) = model.Encode(TokenBatch.Create(texts, model.Device), prompt);
        _source = new CachedSource(model.SourceKeysValues(source), layout);
        var prefix = prompt?.KeysValuesAs(model.Type);
        var start = TokenBatch.Create([.. texts.Select(_ => new[] { model.Configuration.StartId })], model.Device);
        _cache = new KeyValueCache(model.Configuration, start.Layout, prefix is null ? 0 : prompt!.Length, maxNewTokens, model.Type, model.Device);
        _logits = Detached(model.Decode(start, prompt, _source, onKeysValues: (layer, key, value) => _cache.Fill(layer, start.Layout, key, value, prefix)));
    }

    public override Tensor Logits => _logits;

    public override void Append(IReadOnlyList<int> tokens)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var ids = tensor(tokens.Select(token => (long)token).ToArray(), device: _model.Device);
        _logits.Dispose();
        _logits = Detached(_model.Next(ids, _cache, _source));
    }

    public override void Keep(IReadOnlyList<int> rows)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        _cache.Keep(rows);
        _source.Keep(rows);
        using var old = _logits;
        _logits = old.index_select(0, tensor(rows.Select(row => (long)row).ToArray(), device: _model.Device)).DetachFromDisposeScope();
    }

    public override void Dispose()
    {
        _logits.Dispose();
        _cache.Dispose();
        _source.Dispose();
    }

    private Tensor Detached(Tensor hidden) => _model.Logits(hidden).DetachFromDisposeScope();
}
