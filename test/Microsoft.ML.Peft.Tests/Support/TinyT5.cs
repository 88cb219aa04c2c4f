using Microsoft.ML.Peft.Backbones;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A random T5 of a wanted shape, and its outputs computed in the plainest way: one row, in 64 bits, token by token in the open.</summary>
internal sealed class TinyT5 : IDisposable
{
    private readonly Dictionary<string, Tensor> _weights = [];
    private readonly ModelCopy _copy;

    public TinyT5(int encoderLayers, int decoderLayers, int heads, int headSize, int hidden, bool gated, bool ownHead, bool scaled)
    {
        (EncoderLayers, DecoderLayers, Heads, HeadSize, Hidden, Gated, Scaled) = (encoderLayers, decoderLayers, heads, headSize, hidden, gated, scaled);
        using var generator = new Generator(11);
        const int vocabulary = 402, inner = 10, buckets = 6;
        void Add(string name, double scale, params long[] shape) => _weights[name + ".weight"] = (randn(shape, generator: generator) * scale).DetachFromDisposeScope();
        void Norm(string name) => _weights[name + ".weight"] = (rand(hidden, generator: generator) + 0.5).DetachFromDisposeScope();
        void Attention(string name)
        {
            foreach (string part in new[] { "q", "k", "v" })
                Add($"{name}.{part}", 0.3, heads * headSize, hidden);
            Add(name + ".o", 0.3, hidden, heads * headSize);
        }
        Add("shared", 1, vocabulary, hidden);
        if (ownHead)
            Add("lm_head", 1, vocabulary, hidden);
        foreach (string stack in new[] { "encoder", "decoder" })
        {
            for (int i = 0; i < Layers(stack); i++)
            {
                string block = $"{stack}.block.{i}.layer.";
                Attention(block + "0.SelfAttention");
                Norm(block + "0.layer_norm");
                if (stack == "decoder")
                {
                    Attention(block + "1.EncDecAttention");
                    Norm(block + "1.layer_norm");
                }
                string mlp = block + (stack == "decoder" ? "2" : "1");
                Norm(mlp + ".layer_norm");
                foreach (string up in gated ? ["wi_0", "wi_1"] : new[] { "wi" })
                    Add($"{mlp}.DenseReluDense.{up}", 0.3, inner, hidden);
                Add(mlp + ".DenseReluDense.wo", 0.3, hidden, inner);
            }
            Add($"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias", 1, buckets, heads);
            Norm(stack + ".final_layer_norm");
        }
        _copy = new ModelCopy("tiny-t5").Rewrite(tensors =>
        {
            tensors.Clear();
            foreach (var (name, value) in _weights)
                tensors[name] = value;
        });
        foreach (var (key, value) in new Dictionary<string, int>
        {
            ["num_layers"] = encoderLayers,
            ["num_decoder_layers"] = decoderLayers,
            ["num_heads"] = heads,
            ["d_kv"] = headSize,
            ["d_model"] = hidden,
            ["d_ff"] = inner,
            ["relative_attention_num_buckets"] = buckets,
            ["relative_attention_max_distance"] = 8,
        })
        {
            _copy.Configure(key, value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }
        _copy.Configure("feed_forward_proj", gated ? "\"gated-gelu\"" : "\"relu\"").RemoveKey("dense_act_fn").RemoveKey("is_gated_act")
            .Configure("scale_decoder_outputs", scaled ? "true" : "false");
    }

    public int EncoderLayers { get; }

    public int DecoderLayers { get; }

    public int Heads { get; }

    public int HeadSize { get; }

    public int Hidden { get; }

    private bool Gated { get; }

    private bool Scaled { get; }

    public PretrainedModel Load(Precision precision = Precision.Float32) => _copy.Load(precision);

    /// <summary>The logits `[T, V]` of a target given a source.</summary>
    /// <param name="source">Token ids.</param>
    /// <param name="target">Token ids, the start token first.</param>
    /// <param name="virtualTokens">`[P, D]` in front of the source, or null.</param>
    /// <param name="prefix">By layer of the decoder the key and value `[H, P, d]` in front of its own, or null.</param>
    public Tensor Logits(int[] source, int[] target, Tensor? virtualTokens = null, Func<int, (Tensor Key, Tensor Value)>? prefix = null)
    {
        var words = Weight("shared");
        Tensor Embed(int[] ids) => stack(ids.Select(id => words[id]), 0);
        var read = Embed(source);
        if (virtualTokens is not null)
            read = cat([virtualTokens.to(ScalarType.Float64), read], 0);
        for (int i = 0; i < EncoderLayers; i++)
        {
            string block = $"encoder.block.{i}.layer.";
            var x = Norm(read, block + "0.layer_norm");
            read = read + Attend(block + "0.SelfAttention", x, x, Bias("encoder", (int)read.size(0), 0), null);
            read = read + Mlp(Norm(read, block + "1.layer_norm"), block + "1");
        }
        read = Norm(read, "encoder.final_layer_norm");

        var written = Embed(target);
        for (int i = 0; i < DecoderLayers; i++)
        {
            string block = $"decoder.block.{i}.layer.";
            var x = Norm(written, block + "0.layer_norm");
            var before = prefix?.Invoke(i);
            written = written + Attend(block + "0.SelfAttention", x, x, Bias("decoder", target.Length, (int)(before?.Key.size(1) ?? 0)), before);
            written = written + Attend(block + "1.EncDecAttention", Norm(written, block + "1.layer_norm"), read, null, null);
            written = written + Mlp(Norm(written, block + "2.layer_norm"), block + "2");
        }
        written = Norm(written, "decoder.final_layer_norm");
        if (Scaled)
            written = written / Math.Sqrt(Hidden);
        return written.matmul((_weights.ContainsKey("lm_head.weight") ? Weight("lm_head") : words).t());
    }

    public void Dispose()
    {
        _copy.Dispose();
        foreach (var weight in _weights.Values)
            weight.Dispose();
    }

    private int Layers(string stack) => stack == "encoder" ? EncoderLayers : DecoderLayers;

    private Tensor Weight(string name) => _weights[name + ".weight"].to(ScalarType.Float64);

    private Tensor Norm(Tensor x, string name) => x / sqrt((x * x).mean([1], keepdim: true) + 1e-6) * Weight(name);

    private Tensor Mlp(Tensor x, string name)
    {
        Tensor Up(string part) => x.matmul(Weight($"{name}.DenseReluDense.{part}").t());
        var inner = Gated
            ? nn.functional.gelu(Up("wi_0"), TorchSharp.Modules.GELU.Approximate.tanh) * Up("wi_1")
            : nn.functional.relu(Up("wi"));
        return inner.matmul(Weight(name + ".DenseReluDense.wo").t());
    }

    private Tensor Attend(string name, Tensor queries, Tensor keys, Func<int, Tensor>? bias, (Tensor Key, Tensor Value)? before)
    {
        Tensor q = queries.matmul(Weight(name + ".q").t()), k = keys.matmul(Weight(name + ".k").t()), v = keys.matmul(Weight(name + ".v").t());
        var heads = new List<Tensor>();
        for (int head = 0; head < Heads; head++)
        {
            Tensor Part(Tensor x) => x.narrow(1, head * HeadSize, HeadSize);
            Tensor key = Part(k), value = Part(v);
            if (before is { } prefix)
                (key, value) = (cat([prefix.Key[head].to(ScalarType.Float64), key], 0), cat([prefix.Value[head].to(ScalarType.Float64), value], 0));
            var scores = Part(q).matmul(key.t());
            if (bias is not null)
                scores = scores + bias(head);
            heads.Add(softmax(scores, 1).matmul(value));
        }
        return cat(heads, 1).matmul(Weight(name + ".o").t());
    }

    /// <summary>By head the bias `[S, P + S]`, pair by pair.</summary>
    private Func<int, Tensor> Bias(string stack, int length, int prefix) => head =>
    {
        var weight = Weight(stack + ".block.0.layer.0.SelfAttention.relative_attention_bias");
        var bias = new double[length, prefix + length];
        for (int query = 0; query < length; query++)
        {
            for (int key = 0; key < prefix + length; key++)
            {
                int distance = prefix + query - key;
                bias[query, key] = stack == "decoder" && distance < 0 ? double.NegativeInfinity : weight[Bucket(distance, stack == "encoder"), head].item<double>();
            }
        }
        return tensor(bias);
    };

    /// <summary>6 buckets to distance 8: 3 a side (0, 1, beyond) or 6 for the past.</summary>
    private static int Bucket(int distance, bool bothSides)
    {
        if (bothSides)
            return (distance < 0 ? 3 : 0) + (distance == 0 ? 0 : Math.Min(2, 1 + (int)(Math.Log(Math.Abs(distance)) / Math.Log(8) * 2)));
        return distance < 3 ? distance : Math.Min(5, 3 + (int)(Math.Log(distance / 3.0) / Math.Log(8 / 3.0) * 3));
    }
}
