namespace Microsoft.ML.Peft.Tests;

public sealed class AdapterDescriptionTests
{
    [Theory]
    [InlineData("tiny-bert__prefix__SEQ_CLS", "PREFIX_TUNING", "SEQ_CLS", null)]
    [InlineData("tiny-llama__prompt__CAUSAL_LM", "PROMPT_TUNING", "CAUSAL_LM", PredictionTask.Generation)]
    [InlineData("tiny-llama__ptuning-mlp__CAUSAL_LM", "P_TUNING", "CAUSAL_LM", PredictionTask.Generation)]
    public void An_adapter_of_Hugging_Face_is_described_without_its_frozen_model(string name, string type, string taskType, PredictionTask? task)
    {
        var description = AdapterDescription.Read(Path.Combine(Fixtures.Folder("cases"), name, "adapter"));
        Assert.Equal((type, taskType, task), (description.PeftType, description.TaskType, description.Task));
        Assert.True(description.VirtualTokens > 0);
        Assert.Null(description.Labels);
        Assert.False(description.UsesLabelWords);
    }

    [Fact]
    public void A_loaded_adapter_says_the_same()
    {
        string directory = Path.Combine(Fixtures.Folder("cases"), "tiny-llama__prefix__CAUSAL_LM", "adapter");
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"));
        using var model = PeftModel.Load(backbone, directory);
        var read = AdapterDescription.Read(directory);
        Assert.Equal(read with { BaseModel = read.BaseModel ?? backbone.Name }, model.Description);
    }

    [Fact]
    public void A_directory_without_adapter_is_refused() =>
        Assert.Throws<FileNotFoundException>(() => AdapterDescription.Read(Fixtures.Model("tiny-bert")));
}
