namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>What tells the architectures of GGUF files apart; their metadata and tensors have the same names in all of them.</summary>
/// <param name="Name">The value of `general.architecture`.</param>
/// <param name="ModelType">The `model_type` of the same models in Hugging Face layout.</param>
internal sealed record GgufArchitecture(string Name, string ModelType)
{
    // Families that transformers and ggml compute alike. OPT has no architecture of its own in GGUF; Mistral is llama.
    private static readonly GgufArchitecture[] All =
    [
        new("llama", "llama") { PairedRows = true },
        new("qwen2", "qwen2"),
        new("qwen3", "qwen3") { QueryKeyNorm = true },
        new("phi3", "phi3"),
        new("gemma2", "gemma2")
        {
            Activation = Activation.GeluTanh,
            ScaledEmbeddings = true,
            PostNorms = true,
            SlidingWindow = 4096,
            SlidingPeriod = 2,
            AttentionSoftcap = 50,
            LogitSoftcap = 30,
            WidthScaledLayers = 46,
        },
        new("gemma3", "gemma3_text")
        {
            Activation = Activation.GeluTanh,
            ScaledEmbeddings = true,
            PostNorms = true,
            QueryKeyNorm = true,
            SlidingPeriod = 6,
            LocalTheta = 10000,
            WidthScaledLayers = 62,
        },
        new("gpt2", "gpt2") { Activation = Activation.GeluTanh, GatedMlp = false, RmsNorm = false, LearnedPositions = true },
        new("gptneox", "gpt_neox") { Activation = Activation.Gelu, GatedMlp = false, RmsNorm = false, ParallelResidual = true },
    ];

    public Activation Activation { get; private init; } = Activation.Silu;

    public bool GatedMlp { get; private init; } = true;

    public bool RmsNorm { get; private init; } = true;

    public bool LearnedPositions { get; private init; }

    /// <summary>The rows of queries and keys are stored in the order of the original Llama, whose rotary positions turn neighbours.</summary>
    public bool PairedRows { get; private init; }

    public bool QueryKeyNorm { get; private init; }

    public bool PostNorms { get; private init; }

    public bool ScaledEmbeddings { get; private init; }

    /// <summary>Attention and feed-forward side by side, unless the file says otherwise.</summary>
    public bool ParallelResidual { get; private init; }

    /// <summary>The window where the file names none; null for no window.</summary>
    public int? SlidingWindow { get; private init; }

    /// <summary>All layers but the last of so many have the window; null for all.</summary>
    public int? SlidingPeriod { get; private init; }

    /// <summary>The rotary base of layers with a window where the file names none; null for that of the others.</summary>
    public double? LocalTheta { get; private init; }

    public double? AttentionSoftcap { get; private init; }

    public double? LogitSoftcap { get; private init; }

    /// <summary>The number of layers by which the one size is known (27B) whose queries are scaled by 1/√(D/H) instead of 1/√d.</summary>
    public int? WidthScaledLayers { get; private init; }

    /// <summary>The names of all, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(architecture => architecture.Name));

    public static GgufArchitecture? Named(string? name) => All.FirstOrDefault(architecture => architecture.Name == name);
}
