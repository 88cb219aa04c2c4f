using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>
/// What a method gives a backbone: virtual tokens in front of the input, or keys and values in front of every layer's
/// own. All that a backbone knows of soft prompts.
/// </summary>
internal sealed class Prompt : IDisposable
{
    private Prompt(int length) => Length = length;

    /// <summary>The number of virtual tokens P.</summary>
    public int Length { get; }

    /// <summary>Token embeddings `[P, E]`, or null.</summary>
    public Tensor? Embeddings { get; private init; }

    /// <summary>Keys (even) and values (odd) of all layers `[KV, P, d]`, or null.</summary>
    public IReadOnlyList<Tensor>? KeysValues { get; private init; }

    /// <summary>Set in a training step that computes layers again instead of keeping what they computed; else null.</summary>
    public GradientCheckpoints? Checkpoints { get; private init; }

    /// <summary>An input prompt from the layout of Hugging Face's files `[P·submodules, E]`.</summary>
    /// <param name="embeddings">The layout.</param>
    /// <param name="submodules">2 for an encoder–decoder, whose file holds P further rows for the decoder, which nothing reads; else 1.</param>
    public static Prompt FromEmbeddings(Tensor embeddings, int submodules = 1)
    {
        int length = (int)embeddings.size(0) / submodules;
        return new Prompt(length) { Embeddings = submodules == 1 ? embeddings : embeddings.narrow(0, 0, length) };
    }

    /// <summary>
    /// A prefix from the layout of Hugging Face's files `[P, 2·L·KV·d]`: per virtual token layer 0's key, layer 0's
    /// value, layer 1's key and so on.
    /// </summary>
    /// <param name="prefix">The layout.</param>
    /// <param name="layers">L.</param>
    /// <param name="heads">KV.</param>
    /// <param name="submodules">
    /// 2 for an encoder–decoder: Hugging Face PEFT repeats the list and deals two pairs to each layer, one for the attention to the
    /// encoder, which nothing reads. Layer l so gets pair 2·l mod L; where L is even, each other pair is of no use.
    /// </param>
    public static Prompt FromPrefix(Tensor prefix, int layers, int heads, int submodules = 1)
    {
        int length = (int)prefix.size(0);
        var values = prefix.view(length, 2 * layers, heads, -1).permute(1, 2, 0, 3).unbind(0);
        return FromKeysValues(length, [.. Enumerable.Range(0, layers).Select(layer => 2 * PairOf(layer, layers, submodules)).SelectMany(pair => new[] { values[pair], values[pair + 1] })]);
    }

    /// <summary>The pair of key and value in a file's prefix that belongs to a layer.</summary>
    public static int PairOf(int layer, int layers, int submodules) => submodules * layer % layers;

    /// <summary>A prefix from keys and values `[KV, P, d]`, layer by layer.</summary>
    public static Prompt FromKeysValues(int length, IReadOnlyList<Tensor> keysValues) => new(length) { KeysValues = keysValues };

    /// <summary>The same prompt for one training step, whose gradients reach it through the checkpoints; itself where they are null.</summary>
    /// <param name="checkpoints">Of this step.</param>
    /// <param name="recompute">Whether layers are computed again for their gradients.</param>
    public Prompt With(GradientCheckpoints? checkpoints, bool recompute = true) => checkpoints is null ? this : new Prompt(Length)
    {
        Checkpoints = recompute ? checkpoints : null,
        Embeddings = Embeddings is null ? null : checkpoints.Share([Embeddings])[0],
        KeysValues = KeysValues is null ? null : checkpoints.Share(KeysValues),
    };

    /// <summary>The prefix in another number format.</summary>
    public IReadOnlyList<Tensor>? KeysValuesAs(ScalarType type) =>
        KeysValues is null || KeysValues[0].dtype == type ? KeysValues : [.. KeysValues.Select(value => value.to(type))];

    /// <summary>An own copy in the given type, outside any dispose scope: for use over many batches.</summary>
    public Prompt Bake(ScalarType type)
    {
        Tensor Copy(Tensor value)
        {
            using var detached = value.detach().contiguous();
            return detached.to(type, copy: true).DetachFromDisposeScope();
        }
        return Select(Copy);
    }

    /// <summary>The same memory, outside any dispose scope: for use over many batches.</summary>
    public Prompt Share() => Select(value => value.detach().DetachFromDisposeScope());

    private Prompt Select(Func<Tensor, Tensor> change) =>
        new(Length) { Embeddings = Embeddings is null ? null : change(Embeddings), KeysValues = KeysValues is null ? null : [.. KeysValues.Select(change)] };

    public void Dispose()
    {
        Embeddings?.Dispose();
        foreach (var value in KeysValues ?? [])
            value.Dispose();
    }
}
