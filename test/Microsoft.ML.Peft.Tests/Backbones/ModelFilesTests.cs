using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>What a model directory must hold, and what is said where it does not.</summary>
public sealed class ModelFilesTests
{
    [Fact]
    public void A_missing_config_is_named_with_the_files_that_a_model_needs()
    {
        using var copy = new ModelCopy().Delete("config.json");
        var error = Assert.Throws<FileNotFoundException>(() => copy.Load());
        Assert.Equal(copy.File("config.json"), error.FileName);
        AssertSays(error, copy.File("config.json"), "model.safetensors", "tokenizer.json");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"model_type\": \"bert\",}")]
    public void A_config_that_is_no_JSON_object_is_refused(string content)
    {
        using var copy = new ModelCopy().Write("config.json", content);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("config.json"), "JSON");
    }

    [Theory]
    [InlineData("model_type")]
    [InlineData("hidden_size")]
    [InlineData("vocab_size")]
    [InlineData("num_hidden_layers")]
    [InlineData("num_attention_heads")]
    [InlineData("max_position_embeddings")]
    [InlineData("intermediate_size")]
    public void A_config_without_a_needed_key_is_refused(string key)
    {
        using var copy = new ModelCopy().RemoveKey(key);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("config.json"), $"has no '{key}'");
    }

    [Fact]
    public void An_unknown_architecture_is_refused_with_the_list_of_known_ones()
    {
        using var copy = new ModelCopy().Configure("model_type", "\"whisper\"");
        var error = Assert.Throws<NotSupportedException>(() => copy.Load());
        AssertSays(error, copy.File("config.json"), "'whisper'", "bert, roberta, xlm-roberta, camembert, distilbert, electra");
    }

    [Theory]
    [InlineData("model_type", "7", "a string")]
    [InlineData("hidden_size", "\"48\"", "whole number")]
    [InlineData("hidden_size", "48.5", "whole number")]
    [InlineData("hidden_size", "-48", "at least 1")]
    [InlineData("num_hidden_layers", "0", "at least 1")]
    [InlineData("vocab_size", "99999999999", "whole number")]
    [InlineData("num_attention_heads", "true", "whole number")]
    [InlineData("pad_token_id", "-1", "at least 0")]
    [InlineData("layer_norm_eps", "\"small\"", "a number")]
    [InlineData("is_decoder", "1", "true or false")]
    [InlineData("hidden_act", "[\"gelu\"]", "a string")]
    public void A_value_of_the_wrong_type_is_shown_with_what_is_expected(string key, string json, string expected)
    {
        using var copy = new ModelCopy().Configure(key, json);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("config.json"), $"'{key}' is {json}", expected);
    }

    [Theory]
    [InlineData("position_embedding_type", "\"relative_key\"", "'relative_key' position embeddings")]
    [InlineData("is_decoder", "true", "a decoder")]
    [InlineData("hidden_act", "\"mish\"", "supported are gelu")]
    public void What_the_encoder_cannot_compute_is_refused(string key, string json, string expected)
    {
        using var copy = new ModelCopy().Configure(key, json);
        AssertSays(Assert.Throws<NotSupportedException>(() => copy.Load()), copy.File("config.json"), expected);
    }

    [Theory]
    [InlineData("num_attention_heads", "5", "no multiple of the 5 attention heads")]
    [InlineData("pad_token_id", "401", "outside the vocabulary of 401")]
    public void Values_that_contradict_each_other_are_refused(string key, string json, string expected)
    {
        using var copy = new ModelCopy().Configure(key, json);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.Path, expected);
    }

    [Fact]
    public void RoBERTa_needs_positions_behind_its_padding_index()
    {
        using var copy = new ModelCopy("tiny-roberta").Configure("max_position_embeddings", "2");
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("config.json"), "no position behind the padding index 1");
    }

    [Theory]
    [InlineData("hidden_size", "44", "bert.embeddings.word_embeddings.weight", "[401, 44]")]
    [InlineData("vocab_size", "402", "bert.embeddings.word_embeddings.weight", "[402, 48]")]
    [InlineData("max_position_embeddings", "256", "bert.embeddings.position_embeddings.weight", "[256, 48]")]
    [InlineData("type_vocab_size", "1", "bert.embeddings.token_type_embeddings.weight", "[1, 48]")]
    [InlineData("intermediate_size", "2000000000", "bert.encoder.layer.0.intermediate.dense.weight", "[2000000000, 48]")]
    public void Weights_of_another_shape_than_config_says_are_refused(string key, string json, string tensorName, string shape)
    {
        using var copy = new ModelCopy().Configure(key, json);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("model.safetensors"), $"'{tensorName}'", shape, "do not belong together");
    }

    [Fact]
    public void More_layers_than_the_file_has_are_refused_at_the_first_missing_one()
    {
        using var copy = new ModelCopy().Configure("num_hidden_layers", "2000000000");
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("model.safetensors"), "'bert.encoder.layer.3.");
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        using var copy = new ModelCopy().Rewrite(tensors => tensors.Remove("bert.encoder.layer.1.output.dense.bias"));
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("model.safetensors"), "no tensor 'bert.encoder.layer.1.output.dense.bias'");
    }

    [Fact]
    public void Missing_weights_are_named()
    {
        using var copy = new ModelCopy().Delete("model.safetensors");
        AssertSays(Assert.Throws<FileNotFoundException>(() => copy.Load()), copy.Path, "'model.safetensors'");
    }

    [Fact]
    public void Weights_that_exist_as_a_pickle_only_are_refused_with_the_way_out()
    {
        using var copy = new ModelCopy().Delete("model.safetensors").Write("pytorch_model.bin", "pickle");
        AssertSays(Assert.Throws<NotSupportedException>(() => copy.Load()), "pytorch_model.bin", "safe_serialization=True");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(50_000)]
    public void Truncated_weights_are_refused(int length)
    {
        using var copy = new ModelCopy();
        using (var file = File.OpenWrite(copy.File("model.safetensors")))
            file.SetLength(length);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("model.safetensors"));
    }

    [Theory]
    [InlineData(ScalarType.Int8, "I8")]
    [InlineData(ScalarType.Byte, "U8")]
    [InlineData(ScalarType.Int64, "I64")]
    [InlineData(ScalarType.Bool, "BOOL")]
    public void Weights_that_are_no_floating_point_numbers_are_refused(ScalarType type, string name)
    {
        const string Tensor = "bert.encoder.layer.0.output.dense.weight";
        using var copy = new ModelCopy().Rewrite(tensors => tensors[Tensor] = tensors[Tensor].to(type));
        AssertSays(Assert.Throws<NotSupportedException>(() => copy.Load()), copy.File("model.safetensors"), $"'{Tensor}'", $"holds {name}, no floating-point numbers");
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Weights_in_other_floating_point_numbers_are_converted(ScalarType type)
    {
        using var copy = new ModelCopy().Rewrite(tensors =>
        {
            foreach (var (name, value) in tensors.Where(entry => entry.Value.is_floating_point()).ToArray())
                tensors[name] = value.to(type);
        });
        using PretrainedModel model = copy.Load(), original = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        Assert.Equal(ScalarType.Float32, model.Frozen.Backbone.Type);
        using Tensor expected = Hidden(original), actual = Hidden(model);
        TensorAssert.Close(expected, actual, type == ScalarType.Float64 ? 0 : 0.1);
    }

    [Fact]
    public void An_index_that_names_itself_as_a_shard_is_refused()
    {
        using var copy = new ModelCopy().Delete("model.safetensors").Write("model.safetensors.index.json", """{"weight_map": {"a": "model.safetensors.index.json"}}""");
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("model.safetensors.index.json"), "not a valid safetensors file");
    }

    [Fact]
    public void A_truncated_shard_is_named()
    {
        using var copy = new ModelCopy("tiny-gpt2-sharded");
        string shard = Directory.GetFiles(copy.Path, "*.safetensors").Order(StringComparer.Ordinal).Last();
        using (var file = File.OpenWrite(shard))
            file.SetLength(file.Length - 1);
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), shard);
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        using var copy = new ModelCopy("tiny-gpt2-sharded");
        string shard = Directory.GetFiles(copy.Path, "*.safetensors").Order(StringComparer.Ordinal).First();
        copy.Delete(Path.GetFileName(shard));
        AssertSays(Assert.Throws<FileNotFoundException>(() => copy.Load()), copy.File("model.safetensors.index.json"), $"'{Path.GetFileName(shard)}'", "is missing");
    }

    [Theory]
    [InlineData("../other/model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    public void An_index_that_names_a_file_outside_of_the_directory_is_refused(string shard)
    {
        using var copy = new ModelCopy().Delete("model.safetensors").Write("model.safetensors.index.json", $$$"""{"weight_map": {"a": "{{{shard}}}"}}""");
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.File("model.safetensors.index.json"), $"'{shard}'", "not a plain file name");
    }

    [Fact]
    public void A_missing_tokenizer_is_named()
    {
        using var copy = new ModelCopy().Delete("tokenizer.json");
        AssertSays(Assert.Throws<FileNotFoundException>(() => copy.Load()), copy.File("tokenizer.json"));
    }

    [Fact]
    public void A_tokenizer_with_more_tokens_than_the_model_has_embeddings_is_refused()
    {
        using var copy = new ModelCopy().Configure("vocab_size", "400")
            .Rewrite(tensors => tensors["bert.embeddings.word_embeddings.weight"] = zeros(400, 48));
        AssertSays(Assert.Throws<InvalidDataException>(() => copy.Load()), copy.Path, "401 tokens", "only 400");
    }

    [Fact]
    public void A_model_with_more_embeddings_than_the_tokenizer_has_tokens_is_taken()
    {
        using var copy = new ModelCopy().Configure("vocab_size", "408")
            .Rewrite(tensors => tensors["bert.embeddings.word_embeddings.weight"] = zeros(408, 48));
        using var model = copy.Load();
        Assert.Equal(408, model.Configuration.VocabularySize);
    }

    [Theory]
    [InlineData(null, Pooling.HuggingFace)]
    [InlineData("{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": false}", Pooling.Mean)]
    [InlineData("{\"pooling_mode_mean_tokens\": false, \"pooling_mode_cls_token\": true}", Pooling.Cls)]
    public void The_pooling_of_sentence_transformers_is_what_Auto_means(string? content, Pooling expected)
    {
        using var copy = new ModelCopy();
        if (content is not null)
            copy.Write("1_Pooling/config.json", content);
        using var model = copy.Load();
        Assert.Equal(expected, model.Frozen.Pooling);
    }

    [Theory]
    [InlineData("{\"pooling_mode_max_tokens\": true}")]
    [InlineData("{}")]
    public void Another_pooling_is_refused_with_the_way_out(string content)
    {
        using var copy = new ModelCopy().Write("1_Pooling/config.json", content);
        AssertSays(Assert.Throws<NotSupportedException>(() => copy.Load()), copy.File(Path.Combine("1_Pooling", "config.json")), "neither mean nor [CLS]");
    }

    [Fact]
    public void A_bare_encoder_file_without_the_family_prefix_is_the_same_model()
    {
        using var copy = new ModelCopy().Rewrite(tensors => Rename(tensors, name => name.Replace("bert.", "", StringComparison.Ordinal)));
        AssertSameAsOriginal(copy);
    }

    [Fact]
    public void Layer_norms_may_be_called_gamma_and_beta()
    {
        using var copy = new ModelCopy().Rewrite(tensors => Rename(tensors, name => name
            .Replace("LayerNorm.weight", "LayerNorm.gamma", StringComparison.Ordinal)
            .Replace("LayerNorm.bias", "LayerNorm.beta", StringComparison.Ordinal)));
        AssertSameAsOriginal(copy);
    }

    [Fact]
    public void Weights_in_shards_are_the_same_model()
    {
        using var copy = new ModelCopy();
        using (var file = SafetensorsFile.Open(copy.File("model.safetensors")))
        {
            var parts = file.Tensors.Keys.Order(StringComparer.Ordinal).Index().ToLookup(entry => entry.Index % 2, entry => entry.Item);
            foreach (var part in parts)
                SafetensorsWriter.Write(copy.File($"part{part.Key}.safetensors"), part.ToDictionary(name => name, file.Read));
            var map = parts.SelectMany(part => part.Select(name => $"\"{name}\":\"part{part.Key}.safetensors\""));
            copy.Write("model.safetensors.index.json", $$$"""{"weight_map":{{{{string.Join(',', map)}}}}}""");
        }
        AssertSameAsOriginal(copy.Delete("model.safetensors"));
    }

    [Fact]
    public void A_half_precision_file_loads_on_the_CPU_as_Float32()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert-fp16"), Precision.Float32);
        Assert.Equal(Precision.Float32, model.Precision);
        Assert.Equal(ScalarType.Float32, model.Frozen.Backbone.WordEmbeddings.dtype);
        using var hidden = Hidden(model);
        Assert.True(hidden.isfinite().all().item<bool>());
    }

    private static void Rename(Dictionary<string, Tensor> tensors, Func<string, string> rename)
    {
        foreach (var (name, value) in tensors.ToArray())
        {
            tensors.Remove(name);
            tensors.Add(rename(name), value);
        }
    }

    private static void AssertSameAsOriginal(ModelCopy copy)
    {
        using var scope = NewDisposeScope();
        using var original = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        using var changed = copy.Load();
        TensorAssert.Equal(Hidden(original), Hidden(changed));
        Assert.NotNull(changed.Frozen.Backbone.Pooler);
    }

    private static Tensor Hidden(PretrainedModel model)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var batch = Backbones.TokenBatch.Create([model.Encode("the whale was there")], 0, CPU);
        return model.Frozen.Backbone.Forward(batch, null).MoveToOuterDisposeScope();
    }

    private static void AssertSays(Exception error, params string[] parts)
    {
        foreach (string part in parts)
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
