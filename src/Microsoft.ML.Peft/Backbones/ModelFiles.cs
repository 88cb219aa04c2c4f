using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tokenization;
using JsonObject = System.Text.Json.Nodes.JsonObject;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Where a model's configuration, tokenizer and weights come from.</summary>
internal abstract class ModelFiles : IDisposable
{
    public static ModelFiles At(string path) => Directory.Exists(path) ? new DirectoryFiles(path) : new GgufFiles(path);

    public abstract ConfigFile ReadConfig();

    public abstract HuggingFaceTokenizer LoadTokenizer();

    public abstract WeightSource OpenWeights();

    /// <summary>For when loading fails: the weights, once opened, are the caller's to dispose.</summary>
    public abstract void Dispose();

    /// <summary>A further JSON file beside the configuration; null where there is none.</summary>
    public abstract ConfigFile? ReadOptional(string name);

    /// <summary>The usual layout of Hugging Face's models.</summary>
    private sealed class DirectoryFiles(string directory) : ModelFiles
    {
        public override ConfigFile ReadConfig() => ConfigFile.Read(Path.Combine(directory, "config.json"));

        public override HuggingFaceTokenizer LoadTokenizer() => HuggingFaceTokenizer.Load(Path.Combine(directory, "tokenizer.json"));

        public override WeightSource OpenWeights() => Checkpoint.Open(directory);

        public override void Dispose()
        {
        }

        public override ConfigFile? ReadOptional(string name)
        {
            string path = Path.Combine(directory, name);
            return File.Exists(path) ? ConfigFile.Read(path) : null;
        }
    }

    /// <summary>One GGUF file, which holds all three.</summary>
    private sealed class GgufFiles(string path) : ModelFiles
    {
        private const string Architecture = "llama";

        // Opened once: its header names every token of the vocabulary.
        private readonly GgufFile _file = GgufFile.Open(path);

        public override HuggingFaceTokenizer LoadTokenizer() => HuggingFaceTokenizer.FromGguf(_file.Path, _file.Metadata);

        public override WeightSource OpenWeights() => new GgufWeights(_file);

        public override ConfigFile? ReadOptional(string name) => null;

        public override void Dispose() => _file.Dispose();

        public override ConfigFile ReadConfig()
        {
            string? architecture = _file.Text("general.architecture");
            if (architecture != Architecture)
                throw new NotSupportedException($"'{_file.Path}' holds a '{architecture}' model; of GGUF files the architecture {Architecture} is supported (Llama, Mistral, SmolLM).");
            string? scaling = _file.Text("llama.rope.scaling.type");
            if (_file.Tensors.ContainsKey("rope_freqs.weight") || scaling is not (null or "none" or "linear"))
                throw new NotSupportedException($"'{_file.Path}' asks for rotary scaling '{scaling ?? "llama3"}', which is not supported in GGUF files; use the model's directory with config.json and safetensors.");
            return ConfigFile.From(_file.Path, new JsonObject
            {
                ["model_type"] = Architecture,
                ["vocab_size"] = _file.Info("token_embd.weight").Shape[0],
                ["hidden_size"] = _file.Integer("llama.embedding_length"),
                ["num_hidden_layers"] = _file.Integer("llama.block_count"),
                ["num_attention_heads"] = _file.Integer("llama.attention.head_count"),
                ["num_key_value_heads"] = _file.Integer("llama.attention.head_count_kv"),
                ["head_dim"] = _file.Integer("llama.attention.key_length"),
                ["max_position_embeddings"] = _file.Integer("llama.context_length"),
                ["intermediate_size"] = _file.Integer("llama.feed_forward_length"),
                ["rms_norm_eps"] = _file.Number("llama.attention.layer_norm_rms_epsilon"),
                ["rope_theta"] = _file.Number("llama.rope.freq_base"),
                ["rope_scaling"] = scaling == "linear" ? new JsonObject { ["rope_type"] = "linear", ["factor"] = _file.Number("llama.rope.scaling.factor") } : null,
                ["tie_word_embeddings"] = !_file.Tensors.ContainsKey("output.weight"),
            });
        }
    }
}
