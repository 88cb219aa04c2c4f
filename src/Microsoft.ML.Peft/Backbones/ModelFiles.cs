using System.Text.Json.Nodes;
using Microsoft.ML.Peft.Backbones.Families;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tokenization;
using JsonObject = System.Text.Json.Nodes.JsonObject;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Where a model's configuration, tokenizer and weights come from.</summary>
internal abstract class ModelFiles : IDisposable
{
    public static ModelFiles At(string path) => Directory.Exists(path) ? new DirectoryFiles(path) : new GgufFiles(path);

    public abstract ConfigFile ReadConfig();

    public abstract ModelFamily FamilyOf(ConfigFile config);

    public abstract HuggingFaceTokenizer LoadTokenizer();

    public abstract WeightSource OpenWeights();

    /// <summary>For when loading fails: the weights, once opened, are the caller's to dispose.</summary>
    public abstract void Dispose();

    /// <summary>A further JSON file beside the configuration; null where there is none.</summary>
    public abstract ConfigFile? ReadOptional(string name);

    /// <summary>The template for conversations; null where there is none.</summary>
    public abstract string? ReadChatTemplate();

    /// <summary>The usual layout of Hugging Face's models.</summary>
    private sealed class DirectoryFiles(string directory) : ModelFiles
    {
        public override ConfigFile ReadConfig() => ConfigFile.Read(Path.Combine(directory, "config.json"));

        public override ModelFamily FamilyOf(ConfigFile config) => ModelFamilies.Of(config);

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

        /// <summary>A file of its own in newer models; of several named ones the default.</summary>
        public override string? ReadChatTemplate()
        {
            string path = Path.Combine(directory, "chat_template.jinja");
            return File.Exists(path) ? File.ReadAllText(path) : ReadOptional("tokenizer_config.json")?.NamedTextOrNull("chat_template", "name", "default", "template");
        }
    }

    /// <summary>One GGUF file, which holds all three.</summary>
    private sealed class GgufFiles(string path) : ModelFiles
    {
        private static readonly string[] EndKeys = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

        // Opened once: its header names every token of the vocabulary.
        private readonly GgufFile _file = GgufFile.Open(path);

        public override ConfigFile ReadConfig()
        {
            long[] ends = [.. EndKeys.Select(_file.Integer).OfType<long>().Distinct()];
            return ConfigFile.From(_file.Path, ends.Length == 0 ? [] : new JsonObject { ["eos_token_id"] = new JsonArray([.. ends.Select(id => (JsonNode)id)]) });
        }

        public override ModelFamily FamilyOf(ConfigFile config) => GgufFamily.Of(_file);

        public override HuggingFaceTokenizer LoadTokenizer() => HuggingFaceTokenizer.FromGguf(_file.Path, _file.Metadata);

        public override WeightSource OpenWeights()
        {
            var architecture = GgufFamily.Architecture(_file);
            long? heads = _file.Integer($"{architecture.Name}.attention.head_count"), keyHeads = _file.Integer($"{architecture.Name}.attention.head_count_kv");
            return new GgufWeights(_file, architecture.PairedRows ? (heads ?? 1, keyHeads ?? heads ?? 1) : null, GgufFamily.FrequencyDivisors);
        }

        public override ConfigFile? ReadOptional(string name) => null;

        public override string? ReadChatTemplate() => _file.Text("tokenizer.chat_template");

        public override void Dispose() => _file.Dispose();
    }
}
