namespace Microsoft.ML.Peft.Tests;

public sealed class ModelDescriptionTests
{
    [Theory]
    [InlineData("tiny-bert", "encoder", "WordPiece", null)]
    [InlineData("tiny-llama", "decoder", "BPE", "plain")]
    [InlineData("tiny-t5", "encoder-decoder", "Unigram", "plain")]
    public void A_directory_is_described_as_it_is_when_loaded(string name, string architecture, string tokenizer, string? chat)
    {
        var description = ModelDescription.Read(Fixtures.Model(name));
        using var model = PretrainedModel.Load(Fixtures.Model(name));
        Assert.Equal(model.Configuration, description.Configuration);
        Assert.Equal((architecture, tokenizer, chat), (description.Architecture, description.Tokenizer, description.ChatFormat));
        Assert.Equal((architecture != "encoder-decoder", architecture != "encoder"), (description.Classifies, description.Writes));
        Assert.Equal(model.Words.VocabularySize, description.TokenizerVocabulary);
        Assert.InRange(description.Parameters, (long)description.Configuration.VocabularySize * description.Configuration.EmbeddingSize, long.MaxValue);
        Assert.Equal("F32", Assert.Single(description.NumberFormats).Key);
        Assert.Equal(description.WeightBytes, description.MemoryBytes(Precision.Float32));
    }

    [Fact]
    public void Half_precision_takes_half_the_memory_and_automatic_precision_is_none()
    {
        var description = ModelDescription.Read(Fixtures.Model("tiny-bert-fp16"));
        Assert.Equal("F16", description.NumberFormats[0].Key);
        Assert.Equal(2 * description.Parameters, description.MemoryBytes(Precision.BFloat16));
        Assert.Throws<ArgumentException>(() => description.MemoryBytes(Precision.Auto));
    }

    [Fact]
    public void The_embedded_GGUF_file_is_described_by_its_name()
    {
        var description = ModelDescription.Read("SmolLM2-135M-Instruct");
        Assert.True(description.IsGguf);
        Assert.Equal(134_515_008, description.Parameters);
        Assert.Equal("ChatML", description.ChatFormat);
        Assert.Contains(PretrainedModels.Local, path => path == description.Path);
        Assert.Throws<DirectoryNotFoundException>(() => ModelDescription.Read("no-such-model"));
    }
}
