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

        Assert.Contains($"{type} adapter; supported are PROMPT_TUNING, PREFIX_TUNING, P_TUNING", message);
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
