using System.Security.Cryptography;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>A GGUF file's weights of the Llama architecture under the names of Hugging Face's files.</summary>
internal sealed partial class GgufWeights(GgufFile file) : WeightSource
{
    private static readonly Dictionary<string, string> Parts = new()
    {
        ["self_attn.q_proj"] = "attn_q",
        ["self_attn.k_proj"] = "attn_k",
        ["self_attn.v_proj"] = "attn_v",
        ["self_attn.o_proj"] = "attn_output",
        ["input_layernorm"] = "attn_norm",
        ["post_attention_layernorm"] = "ffn_norm",
        ["mlp.gate_proj"] = "ffn_gate",
        ["mlp.up_proj"] = "ffn_up",
        ["mlp.down_proj"] = "ffn_down",
    };

    public override string Source => file.Path;

    public override bool Contains(string name) => file.Tensors.ContainsKey(Translate(name));

    public override long[] Shape(string name) => file.Info(Translate(name)).Shape;

    public override Tensor Read(string name, ScalarType type)
    {
        var stored = file.Read(Translate(name), type);
        return HeadsOf(name) is { } heads ? Unpermute(stored, heads) : stored;
    }

    public override string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var info in file.Tensors.Values.OrderBy(info => info.Name, StringComparer.Ordinal))
            AppendTensor(hash, info.Name, info.Type.Name, info.Shape, info.Length, (start, count) => file.Bytes(info.Name, start, count).ToArray());
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public override void Dispose() => file.Dispose();

    private static string Translate(string name)
    {
        name = name.StartsWith("model.", StringComparison.Ordinal) ? name["model.".Length..] : name;
        if (LayerName().Match(name) is { Success: true } match && Parts.TryGetValue(match.Groups["part"].Value, out string? part))
            return $"blk.{match.Groups["layer"].Value}.{part}.{match.Groups["kind"].Value}";
        return name switch
        {
            "embed_tokens.weight" => "token_embd.weight",
            "norm.weight" => "output_norm.weight",
            "lm_head.weight" => "output.weight",
            _ => name,
        };
    }

    /// <summary>The heads of the matrices whose rows are stored in pairs for another form of rotary positions.</summary>
    private long? HeadsOf(string name)
    {
        if (name.Contains(".q_proj.", StringComparison.Ordinal))
            return file.Integer("llama.attention.head_count");
        return name.Contains(".k_proj.", StringComparison.Ordinal) ? file.Integer("llama.attention.head_count_kv") ?? file.Integer("llama.attention.head_count") : null;
    }

    /// <summary>Rows 0, 1, 2, 3 … of a head back to the halves that Hugging Face's rotary positions turn against each other.</summary>
    private static Tensor Unpermute(Tensor stored, long heads)
    {
        long[] shape = stored.shape;
        return stored.view([heads, shape[0] / heads / 2, 2, .. shape[1..]]).transpose(1, 2).reshape(shape);
    }

    [GeneratedRegex(@"^layers\.(?<layer>\d+)\.(?<part>.+)\.(?<kind>weight|bias)$")]
    private static partial Regex LayerName();
}
