using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A model in Hugging Face layout as a GGUF file in 32-bit floats, as converters write it, and open to changes before it is written.</summary>
internal sealed partial class GgufExport : IDisposable
{
    private const uint F32 = 0;

    private static readonly Dictionary<string, string> LlamaNames = new()
    {
        ["model.embed_tokens"] = "token_embd",
        ["model.norm"] = "output_norm",
        ["lm_head"] = "output",
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.qkv_proj"] = "attn_qkv",
        ["self_attn.q_norm"] = "attn_q_norm",
        ["self_attn.k_norm"] = "attn_k_norm",
        ["self_attn.o_proj"] = "attn_output",
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.gate_up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    };

    private static readonly Dictionary<string, string> GemmaNames = new(LlamaNames)
    {
        ["post_attention_layernorm"] = "post_attention_norm",
        ["pre_feedforward_layernorm"] = "ffn_norm",
        ["post_feedforward_layernorm"] = "post_ffw_norm",
    };

    private static readonly Dictionary<string, string> Gpt2Names = new()
    {
        ["transformer.wte"] = "token_embd",
        ["transformer.wpe"] = "position_embd",
        ["transformer.ln_f"] = "output_norm",
        ["attn.c_attn"] = "attn_qkv",
        ["attn.c_proj"] = "attn_output",
        ["ln_1"] = "attn_norm",
        ["ln_2"] = "ffn_norm",
        ["mlp.c_fc"] = "ffn_up",
        ["mlp.c_proj"] = "ffn_down",
    };

    private static readonly Dictionary<string, string> NeoXNames = new()
    {
        ["gpt_neox.embed_in"] = "token_embd",
        ["gpt_neox.final_layer_norm"] = "output_norm",
        ["embed_out"] = "output",
        ["attention.query_key_value"] = "attn_qkv",
        ["attention.dense"] = "attn_output",
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.dense_h_to_4h"] = "ffn_up",
        ["mlp.dense_4h_to_h"] = "ffn_down",
    };

    /// <summary>Keys of `config.json`, and of the metadata without the architecture, that state the same.</summary>
    private static readonly (string From, string To)[] Keys =
    [
        ("num_hidden_layers", "block_count"), ("n_layer", "block_count"), ("max_position_embeddings", "context_length"), ("n_positions", "context_length"),
        ("hidden_size", "embedding_length"), ("n_embd", "embedding_length"), ("intermediate_size", "feed_forward_length"),
        ("num_attention_heads", "attention.head_count"), ("n_head", "attention.head_count"), ("num_key_value_heads", "attention.head_count_kv"),
        ("head_dim", "attention.key_length"), ("head_dim", "attention.value_length"), ("sliding_window", "attention.sliding_window"),
        ("rms_norm_eps", "attention.layer_norm_rms_epsilon"), ("layer_norm_eps", "attention.layer_norm_epsilon"), ("layer_norm_epsilon", "attention.layer_norm_epsilon"),
        ("attn_logit_softcapping", "attn_logit_softcapping"), ("final_logit_softcapping", "final_logit_softcapping"),
        ("use_parallel_residual", "use_parallel_residual"), ("rope_theta", "rope.freq_base"), ("rotary_emb_base", "rope.freq_base"),
    ];

    private readonly string _architecture;
    private readonly JsonElement _config;

    public GgufExport(string directory, string architecture)
    {
        _architecture = architecture;
        _config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(directory, "config.json"))).RootElement;
        ReadMetadata();
        using var file = SafetensorsFile.Open(Path.Combine(directory, Checkpoint.FileName));
        foreach (string name in file.Tensors.Keys)
        {
            using var scope = NewDisposeScope();
            Tensors[Rename(name)] = Convert(Rename(name), file.Read(name).to(ScalarType.Float32)).contiguous().clone().DetachFromDisposeScope();
        }
    }

    /// <summary>All metadata, by their full keys.</summary>
    public Dictionary<string, object> Metadata { get; } = [];

    public Dictionary<string, Tensor> Tensors { get; } = [];

    /// <summary>Sets a metadata value of the architecture.</summary>
    public GgufExport With(string key, object value)
    {
        Metadata[$"{_architecture}.{key}"] = value;
        return this;
    }

    public string Write(string path)
    {
        var data = new List<byte>();
        var tensors = new List<(string, ulong[], uint, ulong)>();
        foreach (var (name, tensor) in Tensors)
        {
            tensors.Add((name, [.. tensor.shape.Reverse().Select(length => (ulong)length)], F32, (ulong)data.Count));
            data.AddRange(tensor.bytes);
            data.AddRange(new byte[(32 - data.Count % 32) % 32]);
        }
        var file = new GgufBytes { Data = [.. data] };
        file.Values.AddRange(Metadata.Select(value => (value.Key, TypeOf(value.Value), Encode(value.Value))));
        file.Tensors.AddRange(tensors);
        File.WriteAllBytes(path, file.Build());
        return path;
    }

    public void Dispose()
    {
        foreach (var tensor in Tensors.Values)
            tensor.Dispose();
    }

    private void ReadMetadata()
    {
        Metadata["general.architecture"] = _architecture;
        foreach (var (from, to) in Keys.Where(key => _config.TryGetProperty(key.From, out var value) && value.ValueKind != JsonValueKind.Null))
            With(to, Value(_config.GetProperty(from), to.Contains("epsilon") || to.Contains("base") || to.Contains("softcapping")));
        if (_config.TryGetProperty("rope_parameters", out var rope))
        {
            var full = rope.TryGetProperty("full_attention", out var nested) ? nested : rope;
            With("rope.freq_base", full.GetProperty("rope_theta").GetSingle());
            if (full.TryGetProperty("partial_rotary_factor", out var part) && part.GetDouble() != 1)
                With("rope.dimension_count", (uint)(part.GetDouble() * Integer("hidden_size") / Integer("num_attention_heads")));
        }
        if (_config.TryGetProperty("rotary_pct", out var rotated))
            With("rope.dimension_count", (uint)(rotated.GetDouble() * Integer("hidden_size") / Integer("num_attention_heads")));
        if (_architecture == "gpt2")
            With("feed_forward_length", (uint)(4 * Integer("n_embd")));
        // The smallest tokenizer there is: how tokenizers are read is another test's business.
        Metadata["tokenizer.ggml.model"] = "gpt2";
        Metadata["tokenizer.ggml.pre"] = "gpt-2";
        Metadata["tokenizer.ggml.tokens"] = new[] { "a", "b", "ab", "<end>", "<turn>" };
        Metadata["tokenizer.ggml.token_type"] = new[] { 1, 1, 1, 3, 3 };
        Metadata["tokenizer.ggml.merges"] = new[] { "a b" };
        Metadata["tokenizer.ggml.eos_token_id"] = 3u;
    }

    private string Rename(string name)
    {
        var names = _architecture switch { "gemma2" or "gemma3" => GemmaNames, "gpt2" => Gpt2Names, "gptneox" => NeoXNames, _ => LlamaNames };
        var (stem, kind) = (name[..name.LastIndexOf('.')], name[name.LastIndexOf('.')..]);
        return LayerName().Match(stem) is { Success: true } layer ? $"blk.{layer.Groups[1].Value}.{names[layer.Groups[2].Value]}{kind}" : names[stem] + kind;
    }

    /// <summary>What converters do to the values.</summary>
    private Tensor Convert(string name, Tensor tensor) => _architecture switch
    {
        "llama" when name.Contains(".attn_q.") => Pair(tensor, Integer("num_attention_heads")),
        "llama" when name.Contains(".attn_k.") => Pair(tensor, Integer("num_key_value_heads")),
        "gemma2" or "gemma3" when name.EndsWith("norm.weight", StringComparison.Ordinal) => tensor + 1,
        "gpt2" when tensor.dim() == 2 && name.StartsWith("blk.", StringComparison.Ordinal) => tensor.t(),
        "gptneox" when name.Contains(".attn_qkv.") => Group(tensor, Integer("num_attention_heads")),
        _ => tensor,
    };

    /// <summary>The halves of each head row by row in turn.</summary>
    private static Tensor Pair(Tensor tensor, long heads) =>
        tensor.reshape([heads, 2, tensor.size(0) / heads / 2, .. tensor.shape[1..]]).swapaxes(1, 2).reshape(tensor.shape);

    /// <summary>All queries, then all keys, then all values.</summary>
    private static Tensor Group(Tensor tensor, long heads)
    {
        var parts = tensor.reshape([heads, 3, tensor.size(0) / heads / 3, .. tensor.shape[1..]]);
        return cat([.. Enumerable.Range(0, 3).Select(part => parts.select(1, part).reshape([tensor.size(0) / 3, .. tensor.shape[1..]]))], 0);
    }

    private long Integer(string key) => _config.GetProperty(key).GetInt64();

    private static object Value(JsonElement value, bool isReal) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => isReal ? (object)value.GetSingle() : value.GetUInt32(),
    };

    private static uint TypeOf(object value) => value switch { uint => 4, int => 5, float => 6, bool => 7, string => 8, Array => 9, _ => throw new ArgumentException($"{value.GetType()}") };

    private static byte[] Encode(object value) => value switch
    {
        uint number => BitConverter.GetBytes(number),
        int number => BitConverter.GetBytes(number),
        float number => BitConverter.GetBytes(number),
        bool flag => [flag ? (byte)1 : (byte)0],
        string text => GgufBytes.Text(text),
        string[] texts => GgufBytes.Array(8, (ulong)texts.Length, [.. texts.SelectMany(GgufBytes.Text)]),
        int[] numbers => GgufBytes.Array(5, (ulong)numbers.Length, MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray()),
        bool[] flags => GgufBytes.Array(7, (ulong)flags.Length, [.. flags.Select(flag => flag ? (byte)1 : (byte)0)]),
        _ => throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{value.GetType()}")),
    };

    [GeneratedRegex(@"\.(?:layers|h)\.(\d+)\.(.+)$")]
    private static partial Regex LayerName();
}
