namespace Microsoft.ML.Peft;

/// <summary>The shape of a frozen model, as its `config.json` states it.</summary>
public abstract record ModelConfiguration
{
    private protected ModelConfiguration() { }

    /// <summary>The `model_type` of `config.json`, such as `bert`.</summary>
    public required string ModelType { get; init; }

    /// <summary>The number of token embeddings V.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The width of the hidden states D.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>The width of the token embeddings E, in which input prompts live; D for most models.</summary>
    public required int EmbeddingSize { get; init; }

    /// <summary>The width of the feed-forward layers I.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>The number of attention layers L; of an encoder–decoder those of its decoder.</summary>
    public required int Layers { get; init; }

    /// <summary>The number of attention heads H.</summary>
    public required int Heads { get; init; }

    /// <summary>The number of key/value heads; <see cref="Heads"/> unless the model shares them.</summary>
    public int KeyValueHeads { get => field == 0 ? Heads : field; init; }

    /// <summary>The width of one head.</summary>
    public int HeadSize { get => field == 0 ? HiddenSize / Heads : field; init; }

    /// <summary>The most tokens, virtual ones and special ones included, that the model has positions for; <see cref="int.MaxValue"/> where positions are relative (T5).</summary>
    public required int MaxPositions { get; init; }
}
