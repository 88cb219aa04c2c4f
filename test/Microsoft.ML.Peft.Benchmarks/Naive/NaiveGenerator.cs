using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

/// <summary>
/// Writes as Hugging Face's `generate` does: texts padded on the left, the soft prompt in front of each in the first step, then one token
/// at a time, with the new keys and values concatenated to those before.
/// </summary>
internal sealed class NaiveGenerator : IDisposable
{
    private readonly NaiveDecoder _model;
    private readonly (Tensor Key, Tensor Value)[] _past;
    private Tensor _mask;       // [B, K]

    /// <summary>Reads the texts.</summary>
    public NaiveGenerator(NaiveDecoder model, NaivePrompt prompt, IReadOnlyList<IReadOnlyList<int>> texts)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        _model = model;
        var batch = NaiveBatch.Create(texts, left: true);
        _past = model.Past(batch, prompt) ?? new (Tensor, Tensor)[model.Shape.Layers];
        _mask = cat([ones(batch.Rows, prompt.Length, ScalarType.Int64), batch.Mask], 1).DetachFromDisposeScope();
        Logits = Last(model.Forward(batch, prompt, _past));
        Keep();
    }

    /// <summary>The next token's logits `[B, V]`; replaced by the next step.</summary>
    public Tensor Logits { get; private set; }

    /// <summary>The likeliest next token of each row.</summary>
    public IReadOnlyList<int> Likeliest()
    {
        using var ids = Logits.argmax(1);
        return [.. ids.data<long>().Select(id => (int)id)];
    }

    /// <summary>Reads one more token of each row.</summary>
    public void Append(IReadOnlyList<int> tokens)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        using Tensor oldLogits = Logits, oldMask = _mask;
        var before = _past.ToArray();
        var ids = tensor(tokens.Select(token => (long)token).ToArray()).view(-1, 1);        // [B, 1]
        _mask = cat([_mask, ones_like(ids)], 1).DetachFromDisposeScope();
        var positions = _mask.sum(1, keepdim: true).sub(ones_like(ids));
        Logits = Last(_model.Forward(_model.Embed(ids), zeros_like(ids), positions, _mask, _past));
        Keep();
        Free(before);
    }

    public void Dispose()
    {
        Logits.Dispose();
        _mask.Dispose();
        Free(_past);
    }

    private Tensor Last(Tensor hidden) => _model.Logits(hidden.select(1, hidden.size(1) - 1)).DetachFromDisposeScope();

    /// <summary>Takes the keys and values out of the step's scope.</summary>
    private void Keep()
    {
        foreach (var (key, value) in _past)
        {
            key.DetachFromDisposeScope();
            value.DetachFromDisposeScope();
        }
    }

    private static void Free((Tensor Key, Tensor Value)[] past)
    {
        foreach (var (key, value) in past)
        {
            key.Dispose();
            value.Dispose();
        }
    }
}
