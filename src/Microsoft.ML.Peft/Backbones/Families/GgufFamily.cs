using System.Globalization;
using Microsoft.ML.Peft.Checkpoints;

namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>Reads the shape of a decoder from the metadata of a GGUF file, and the names of its tensors from those it has.</summary>
internal sealed class GgufFamily
{
    public const string FrequencyDivisors = "rope_freqs.weight";

    private const string WindowPattern = "attention.sliding_window_pattern";

    /// <summary>Numbers that change what a model computes in ways that are not supported, with the value that changes nothing.</summary>
    private static readonly (string Key, double Neutral)[] Unsupported =
    [
        ("expert_count", 0), ("rope.scaling.attn_factor", 1), ("rope.scaling.yarn_ext_factor", 1), ("rope.scaling.yarn_attn_factor", 1),
        ("rope.scaling.yarn_log_multiplier", 0), ("rope.scaling.alpha", 0), ("attention.clamp_kqv", 0), ("attention.max_alibi_bias", 0),
        ("attention.temperature_scale", 0), ("logit_scale", 1), ("residual_scale", 1), ("embedding_scale", 1), ("nextn_predict_layers", 0),
    ];

    private readonly GgufFile _file;
    private readonly GgufArchitecture _architecture;

    private GgufFamily(GgufFile file, GgufArchitecture architecture)
    {
        _file = file;
        _architecture = architecture;
    }

    /// <summary>The family of one file.</summary>
    /// <exception cref="NotSupportedException">Its architecture is not supported, or it is no whole model.</exception>
    public static DecoderFamily Of(GgufFile file)
    {
        if (file.Integer("split.count") is > 1 and var parts)
            throw new NotSupportedException($"'{file.Path}' is one of the {parts} files of a split model (split.count), which is not supported; join them first, with gguf-split --merge.");
        if (file.Text("general.type") is { } type and not "model")
            throw new NotSupportedException($"'{file.Path}' holds no model: its general.type is '{type}'.");
        var architecture = Architecture(file);
        var family = new GgufFamily(file, architecture);
        return new DecoderFamily
        {
            ModelTypes = [architecture.ModelType],
            Prefix = "",
            Names = family.Names(),
            Configure = _ => family.Configure(),
        };
    }

    /// <exception cref="NotSupportedException">The file's architecture is not supported.</exception>
    public static GgufArchitecture Architecture(GgufFile file)
    {
        string? name = file.Text("general.architecture");
        return GgufArchitecture.Named(name) ?? throw new NotSupportedException(
            $"'{file.Path}' holds a '{name}' model; the supported architectures of GGUF files are {GgufArchitecture.Names}.");
    }

    private DecoderWeightNames Names() => new()
    {
        WordEmbeddings = "token_embd",
        PositionEmbeddings = _architecture.LearnedPositions ? "position_embd" : null,
        FinalNorm = "output_norm",
        Head = "output",
        Layout = Has("blk.0.attn_qkv.weight") ? QueryKeyValueLayout.Fused : QueryKeyValueLayout.Separate,
        Query = "blk.{0}.attn_q",
        Key = "blk.{0}.attn_k",
        Value = "blk.{0}.attn_v",
        QueryKeyValue = "blk.{0}.attn_qkv",
        QueryNorm = "blk.{0}.attn_q_norm",
        KeyNorm = "blk.{0}.attn_k_norm",
        AttentionOutput = "blk.{0}.attn_output",
        InputNorm = "blk.{0}.attn_norm",
        MlpNorm = "blk.{0}.ffn_norm",
        PostAttentionNorm = "blk.{0}.post_attention_norm",
        PostMlpNorm = "blk.{0}.post_ffw_norm",
        Gate = "blk.{0}.ffn_gate",
        Up = "blk.{0}.ffn_up",
        Down = "blk.{0}.ffn_down",
        GateUp = Has("blk.0.ffn_gate.weight") ? "" : "blk.{0}.ffn_up",
    };

    private DecoderConfiguration Configure()
    {
        CheckSupported();
        int hidden = Required("embedding_length"), heads = Required("attention.head_count"), layers = Required("block_count");
        if (layers > _file.Tensors.Count || _file.Info("token_embd.weight").Shape is not [var tokens, _])
            throw new InvalidDataException($"'{_file.Path}' has {layers} layers and {_file.Tensors.Count} tensors, of which 'token_embd.weight' must be a matrix; download or write the file again.");
        int headSize = Count("attention.key_length") ?? Math.Max(1, hidden / heads);
        if ((Count("attention.value_length") ?? headSize) != headSize)
            throw new NotSupportedException($"'{_file.Path}' has values of another size than keys ({Key("attention.value_length")}), which is not supported.");
        int? window = Count("attention.sliding_window") ?? _architecture.SlidingWindow;
        bool[]? listed = SlidingLayers(layers);
        return new DecoderConfiguration
        {
            ModelType = _architecture.ModelType,
            VocabularySize = (int)tokens,
            HiddenSize = hidden,
            EmbeddingSize = hidden,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = Count("attention.head_count_kv") ?? heads,
            HeadSize = headSize,
            MaxPositions = Required("context_length"),
            IntermediateSize = Required("feed_forward_length"),
            Activation = _architecture.Activation,
            GatedMlp = _architecture.GatedMlp,
            RmsNorm = _architecture.RmsNorm,
            NormEpsilon = Epsilon(),
            ParallelResidual = _architecture.ParallelResidual && (_file.Flag(Key("use_parallel_residual")) ?? true),
            PostNorms = _architecture.PostNorms,
            QueryKeyNorm = _architecture.QueryKeyNorm,
            Rotary = _architecture.LearnedPositions ? null : Rotary(headSize),
            LocalRotary = window is null or 0 ? null : LocalRotary(headSize),
            SlidingWindow = window is 0 ? null : window,
            SlidingLayers = listed,
            SlidingPeriod = SlidingPeriod(listed) is > 0 and var period ? period : null,
            AttentionScale = Number("attention.scale") ?? (layers == _architecture.WidthScaledLayers ? 1 / Math.Sqrt(hidden / heads) : null),
            AttentionSoftcap = Number("attn_logit_softcapping") ?? _architecture.AttentionSoftcap,
            LogitSoftcap = Number("final_logit_softcapping") ?? _architecture.LogitSoftcap,
            EmbeddingScale = _architecture.ScaledEmbeddings ? Math.Sqrt(hidden) : 1,
            // A bias that only some layers have is then missing, or left over.
            Biases = new DecoderBiases(
                QueryKeyValue: Has("blk.0.attn_q.bias") || Has("blk.0.attn_qkv.bias"), AttentionOutput: Has("blk.0.attn_output.bias"), Mlp: Has("blk.0.ffn_down.bias")),
            TiedHead = !Has("output.weight"),
        };
    }

    private void CheckSupported()
    {
        foreach (var (key, neutral) in Unsupported)
        {
            if (_file.Number(Key(key)) is { } value && value != neutral)
                throw Refused(key, value.ToString(CultureInfo.InvariantCulture));
        }
        if (_file.Flag(Key("attention.causal")) == false)
            throw Refused("attention.causal", "false");
        if (_architecture.PairedRows && Has("blk.0.attn_qkv.weight"))
            throw new NotSupportedException($"'{_file.Path}' has queries, keys and values in one tensor ('blk.0.attn_qkv.weight'), which is not supported for the architecture {_architecture.Name}.");
    }

    private double Epsilon()
    {
        string key = _architecture.RmsNorm ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon";
        return Number(key) ?? throw Missing(key);
    }

    private RotaryConfiguration Rotary(int headSize)
    {
        string type = _file.Text(Key("rope.scaling.type")) ?? "linear";
        double factor = Number("rope.scaling.factor") ?? Number("rope.scale_linear") ?? 1;
        var rotary = new RotaryConfiguration
        {
            Theta = Number("rope.freq_base") ?? 10000,
            Dimensions = Count("rope.dimension_count") ?? headSize,
            Factor = factor,
        };
        if (_architecture.PairedRows && rotary.Dimensions != headSize)
            throw new NotSupportedException($"'{_file.Path}' rotates a part of each head ({Key("rope.dimension_count")}), which is not supported for the architecture {_architecture.Name}.");
        rotary = type switch
        {
            "none" => rotary,
            "linear" => rotary with { Scaling = factor == 1 ? RotaryScaling.None : RotaryScaling.Linear },
            "yarn" => rotary with
            {
                Scaling = RotaryScaling.Yarn,
                OriginalMaxPositions = Count("rope.scaling.original_context_length") ?? Required("context_length"),
                BetaFast = Number("rope.scaling.yarn_beta_fast") ?? 32,
                BetaSlow = Number("rope.scaling.yarn_beta_slow") ?? 1,
            },
            _ => throw new NotSupportedException($"'{_file.Path}' asks for rotary scaling '{type}'; supported are none, linear and yarn, and a tensor '{FrequencyDivisors}'."),
        };
        return Has(FrequencyDivisors) ? Divided(rotary) : rotary;
    }

    /// <summary>Llama 3.1's scaling is stored as what it divides each frequency by.</summary>
    private RotaryConfiguration Divided(RotaryConfiguration rotary)
    {
        if (rotary.Scaling != RotaryScaling.None)
            throw new NotSupportedException($"'{_file.Path}' asks for rotary scaling twice, by {Key("rope.scaling.type")} and by the tensor '{FrequencyDivisors}', which is not supported.");
        long pairs = rotary.Dimensions!.Value / 2;
        if (_file.Info(FrequencyDivisors).Shape is not [var count] || count != pairs)
            throw new InvalidDataException($"'{_file.Path}': tensor '{FrequencyDivisors}' has not one value for each of the {pairs} rotated pairs.");
        using var values = _file.Read(FrequencyDivisors, TorchSharp.torch.ScalarType.Float32);
        float[] divisors = values.data<float>().ToArray();
        return divisors.All(divisor => divisor > 0 && float.IsFinite(divisor))
            ? rotary with { Divisors = divisors }
            : throw new InvalidDataException($"'{_file.Path}': tensor '{FrequencyDivisors}' has values that are not above 0.");
    }

    private RotaryConfiguration? LocalRotary(int headSize) => (Number("rope.freq_base_swa") ?? _architecture.LocalTheta) is { } theta
        ? new RotaryConfiguration { Theta = theta, Dimensions = Count("rope.dimension_count") ?? headSize }
        : null;

    private bool[]? SlidingLayers(int layers) => _file.Metadata.GetValueOrDefault(Key(WindowPattern)) switch
    {
        bool[] each when each.Length == layers => each,
        bool[] each => throw new InvalidDataException($"'{_file.Path}': '{Key(WindowPattern)}' has {each.Length} values for {layers} layers."),
        _ => null,
    };

    private int? SlidingPeriod(bool[]? listed) => listed is null ? Count(WindowPattern) ?? _architecture.SlidingPeriod : null;

    private string Key(string key) => $"{_architecture.Name}.{key}";

    private bool Has(string tensor) => _file.Tensors.ContainsKey(tensor);

    private int Required(string key) => Count(key) is { } count and > 0 ? count : throw Missing(key);

    /// <summary>A count, which some files give once for each layer; null where it is missing.</summary>
    private int? Count(string key)
    {
        long? count = _file.Metadata.GetValueOrDefault(Key(key)) switch
        {
            int[] each => Same(key, each),
            uint[] each => Same(key, each),
            _ => _file.Integer(Key(key)),
        };
        return count is null or >= 0 and <= int.MaxValue ? (int?)count : throw new InvalidDataException($"'{_file.Path}': '{Key(key)}' is {count}, which is no count.");
    }

    private long Same<T>(string key, T[] each)
        where T : IConvertible
    {
        return each.Distinct().ToArray() is [var value]
            ? value.ToInt64(CultureInfo.InvariantCulture)
            : throw new NotSupportedException($"'{_file.Path}' has a '{Key(key)}' that differs from layer to layer, which is not supported.");
    }

    /// <summary>A number above 0; null where it is missing or 0.</summary>
    private double? Number(string key) => _file.Number(Key(key)) switch
    {
        null or 0 => null,
        > 0 and < double.PositiveInfinity and var number => number,
        var number => throw new InvalidDataException($"'{_file.Path}': '{Key(key)}' is {number?.ToString(CultureInfo.InvariantCulture)}, expected a number above 0."),
    };

    private InvalidDataException Missing(string key) => new($"'{_file.Path}' has no metadata value '{Key(key)}' above 0.");

    private NotSupportedException Refused(string key, string value) =>
        new($"'{_file.Path}' has the metadata value '{Key(key)}' of {value}, which asks for something that is not supported.");
}
