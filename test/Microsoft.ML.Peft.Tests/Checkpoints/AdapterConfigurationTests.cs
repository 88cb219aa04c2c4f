using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class AdapterConfigurationTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Adapters => Fixtures.Adapters;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Adapters))]
    [Trait("Category", "Parity")]
    public void What_Hugging_Face_wrote_is_written_again_byte_for_byte(string adapter)
    {
        string path = Path.Combine(Fixtures.Root, adapter, AdapterDirectory.ConfigurationName);

        Assert.Equal(File.ReadAllText(path), AdapterConfiguration.Read(path).ToJson());
    }

    [Theory]
    [MemberData(nameof(Adapters))]
    [Trait("Category", "Parity")]
    public void A_new_configuration_with_the_same_values_is_equal_byte_for_byte(string adapter)
    {
        string path = Path.Combine(Fixtures.Root, adapter, AdapterDirectory.ConfigurationName);
        AdapterConfiguration read = AdapterConfiguration.Read(path);
        var created = new AdapterConfiguration(read.PeftType)
        {
            TaskType = read.TaskType,
            BaseModelNameOrPath = read.BaseModelNameOrPath,
            NumVirtualTokens = read.NumVirtualTokens,
            TokenDim = read.TokenDim,
            NumLayers = read.NumLayers,
            NumAttentionHeads = read.NumAttentionHeads,
            NumTransformerSubmodules = read.NumTransformerSubmodules,
            ModulesToSave = read.ModulesToSave,
        };
        if (read.PeftType == PeftType.PrefixTuning)
        {
            created.PrefixProjection = read.PrefixProjection;
        }

        if (read.PeftType == PeftType.PTuning)
        {
            created.EncoderReparameterizationType = read.EncoderReparameterizationType;
        }

        if (read.PeftType != PeftType.PromptTuning)
        {
            created.EncoderHiddenSize = read.EncoderHiddenSize;
        }

        Assert.Equal(File.ReadAllText(path), created.ToJson());
    }

    [Fact]
    public void Unknown_fields_are_kept()
    {
        const string Json = """
            {
              "a_future_field": {
                "empty": {},
                "list": [
                  1,
                  2.50,
                  1e-05,
                  []
                ]
              },
              "inference_mode": true,
              "peft_type": "P_TUNING"
            }
            """;

        Assert.Equal(Json, Read(Json).ToJson());
    }

    [Fact]
    public void Only_the_type_of_the_adapter_is_mandatory()
    {
        AdapterConfiguration configuration = Read("""{"peft_type":"P_TUNING"}""");

        Assert.Equal(PeftType.PTuning, configuration.PeftType);
        Assert.Null(configuration.NumVirtualTokens);
        Assert.Null(configuration.ModulesToSave);
        Assert.Null(configuration.EncoderHiddenSize);
        Assert.Equal(2, configuration.EncoderNumLayers);
        Assert.Equal(0, configuration.EncoderDropout);
        Assert.Equal("MLP", configuration.EncoderReparameterizationType);
        Assert.False(configuration.PrefixProjection);
    }

    [Fact]
    public void Text_is_escaped_as_Python_does()
    {
        var configuration = new AdapterConfiguration(PeftType.PromptTuning) { PromptTuningInitText = "é \"\U0001F600\"\n\u007f/<" };

        string json = configuration.ToJson();

        Assert.Contains("\"\\u00e9 \\\"\\ud83d\\ude00\\\"\\n\\u007f/<\"", json);
        Assert.Equal(configuration.PromptTuningInitText, Read(json).PromptTuningInitText);
    }

    [Theory]
    [InlineData(0, "0.0")]
    [InlineData(0.1, "0.1")]
    [InlineData(0.00001, "1e-05")]
    [InlineData(1, "1.0")]
    public void Numbers_are_written_as_Python_does(double dropout, string text) =>
        Assert.Contains($"\"encoder_dropout\": {text},", new AdapterConfiguration(PeftType.PTuning) { EncoderDropout = dropout }.ToJson());

    [Fact]
    public void A_configuration_saved_during_training_is_saved_for_inference() =>
        Assert.Contains("\"inference_mode\": true", Read("""{"peft_type":"P_TUNING","inference_mode":false}""").ToJson());

    [Theory]
    [InlineData("LORA")]
    [InlineData("MULTITASK_PROMPT_TUNING")]
    [InlineData("prompt_tuning")]
    public void Other_kinds_of_adapters_are_refused_with_those_supported(string type)
    {
        string message = Assert.Throws<NotSupportedException>(() => Read($$"""{"peft_type":"{{type}}"}""")).Message;

        Assert.Contains($"configures a {type} adapter", message);
        Assert.Contains("; supported are PROMPT_TUNING, PREFIX_TUNING, P_TUNING, CARTRIDGE", message);
    }

    [Fact]
    public void Multitask_prompts_are_refused_with_the_reason() =>
        Assert.Contains("a MULTITASK_PROMPT_TUNING adapter, whose prompt depends on a task id of each row; supported",
            Assert.Throws<NotSupportedException>(() => Read("""{"peft_type":"MULTITASK_PROMPT_TUNING"}""")).Message);

    [Fact]
    public void Every_field_of_every_kind_is_read()
    {
        AdapterConfiguration shared = Read("""
            {"peft_type": "PROMPT_TUNING", "task_type": "CAUSAL_LM", "base_model_name_or_path": "owner/name", "revision": "v1", "peft_version": "0.20.0", "num_virtual_tokens": 4, "token_dim": 8,
             "num_layers": 3, "num_attention_heads": 2, "num_transformer_submodules": 1, "modules_to_save": ["score", "score"], "auto_mapping": {"a": 1}, "inference_mode": true,
             "prompt_tuning_init": "TEXT", "prompt_tuning_init_text": "Classify:", "tokenizer_name_or_path": "owner/tokenizer", "tokenizer_kwargs": {"trust_remote_code": false}}
            """);
        Assert.Equal(("CAUSAL_LM", "owner/name", "v1", "0.20.0"), (shared.TaskType, shared.BaseModelNameOrPath, shared.Revision, shared.PeftVersion));
        Assert.Equal((4, 8, 3, 2, 1), (shared.NumVirtualTokens, shared.TokenDim, shared.NumLayers, shared.NumAttentionHeads, shared.NumTransformerSubmodules));
        Assert.Equal(["score", "score"], shared.ModulesToSave!);
        Assert.Equal(("TEXT", "Classify:", "owner/tokenizer"), (shared.PromptTuningInit, shared.PromptTuningInitText, shared.TokenizerNameOrPath));
        Assert.Contains("\"trust_remote_code\": false", shared.ToJson());

        AdapterConfiguration prefix = Read("""{"peft_type": "PREFIX_TUNING", "encoder_hidden_size": 16, "prefix_projection": true, "init_weights": "zero"}""");
        Assert.Equal((16, true, "zero", true), (prefix.EncoderHiddenSize, prefix.PrefixProjection, prefix.InitWeights, prefix.IsPrefix));

        AdapterConfiguration pTuning = Read("""{"peft_type": "P_TUNING", "encoder_reparameterization_type": "LSTM", "encoder_hidden_size": 16, "encoder_num_layers": 3, "encoder_dropout": 0.25}""");
        Assert.Equal(("LSTM", 16, 3, 0.25), (pTuning.EncoderReparameterizationType, pTuning.EncoderHiddenSize, pTuning.EncoderNumLayers, pTuning.EncoderDropout));

        AdapterConfiguration cartridge = Read("""{"peft_type": "CARTRIDGE", "num_virtual_tokens": 4, "num_frozen_tokens": 2}""");
        Assert.Equal((PeftType.Cartridge, 2, true), (cartridge.PeftType, cartridge.NumFrozenTokens, cartridge.IsPrefix));
        Assert.Equal(1, Read("""{"peft_type": "CARTRIDGE"}""").NumFrozenTokens);
    }

    [Theory]
    [InlineData("{}", "peft_type")]
    [InlineData("""{"peft_type":null}""", "peft_type")]
    [InlineData("""{"peft_type":["LORA"]}""", "peft_type")]
    [InlineData("[]", "not a JSON object")]
    [InlineData("", "well-formed")]
    [InlineData("{", "well-formed")]
    [InlineData("""{"peft_type":"P_TUNING","peft_type":"P_TUNING"}""", "well-formed")]
    [InlineData("""{"peft_type":"P_TUNING","x":"\ud800"}""", "well-formed")]
    [InlineData("""{"peft_type":"P_TUNING","num_virtual_tokens":"4"}""", "'num_virtual_tokens' to \"4\"; expected a positive integer")]
    [InlineData("""{"peft_type":"P_TUNING","num_virtual_tokens":0}""", "positive integer")]
    [InlineData("""{"peft_type":"P_TUNING","token_dim":4294967296}""", "positive integer")]
    [InlineData("""{"peft_type":"P_TUNING","num_layers":1.5}""", "positive integer")]
    [InlineData("""{"peft_type":"P_TUNING","task_type":3}""", "'task_type' to 3; expected a string")]
    [InlineData("""{"peft_type":"P_TUNING","encoder_dropout":2}""", "from 0 to 1")]
    [InlineData("""{"peft_type":"PREFIX_TUNING","prefix_projection":1}""", "true or false")]
    [InlineData("""{"peft_type":"CARTRIDGE","num_virtual_tokens":4,"num_frozen_tokens":5}""", "from 0 to num_virtual_tokens")]
    [InlineData("""{"peft_type":"CARTRIDGE","num_frozen_tokens":-1}""", "from 0 to num_virtual_tokens")]
    [InlineData("""{"peft_type":"P_TUNING","modules_to_save":[null]}""", "list of strings")]
    [InlineData("""{"peft_type":"P_TUNING","modules_to_save":"score"}""", "list of strings")]
    public void Damaged_configurations_are_refused(string json, string fault)
    {
        string message = Assert.Throws<InvalidDataException>(() => Read(json)).Message;

        Assert.Contains(fault, message);
        Assert.Contains(_directory.Path, message);
    }

    private AdapterConfiguration Read(string json)
    {
        string path = _directory.File(AdapterDirectory.ConfigurationName);
        File.WriteAllText(path, json);
        return AdapterConfiguration.Read(path);
    }
}
