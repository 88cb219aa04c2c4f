using System.Text.Json.Nodes;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Saving and loading adapters with their heads.</summary>
public sealed class AdapterTests : IDisposable
{
    private static readonly string[] Texts = ["the whale was there", "he saw one man", ""];

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string, Pooling> MethodsAndPoolings => TinyMethods.With(Pooling.Mean, Pooling.HuggingFace);

    [Theory]
    [MemberData(nameof(MethodsAndPoolings))]
    public void A_saved_model_scores_bit_for_bit_as_before(string method, Pooling pooling)
    {
        using var model = Train(pooling, method);
        model.Save(_directory.Path);
        using var loaded = PeftModel.Load(_backbone, _directory.Path);
        Assert.Equal(Scores(model), Scores(loaded));
        Assert.Equal(["no", "yes"], loaded.Labels);
        Assert.Equal((model.Task, model.Outputs, model.VirtualTokens), (loaded.Task, loaded.Outputs, loaded.VirtualTokens));
        Assert.Equal(model.ToFiles(), loaded.ToFiles());
    }

    [Fact]
    public void A_head_of_our_own_lies_in_its_own_file()
    {
        using var model = Train(Pooling.Mean);
        model.Save(_directory.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "head.json", "head.safetensors"], FilesIn(_directory.Path));
        Assert.Equal(["prompt_embeddings"], TensorsIn("adapter_model.safetensors"));
        Assert.Equal(["classifier.bias", "classifier.weight"], TensorsIn("head.safetensors"));
    }

    [Fact]
    public void Hugging_Faces_head_lies_in_the_adapter()
    {
        using var model = Train(Pooling.HuggingFace);
        model.Save(_directory.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "head.json"], FilesIn(_directory.Path));
        Assert.Equal(["base_model.classifier.bias", "base_model.classifier.weight", "prompt_embeddings"], TensorsIn("adapter_model.safetensors"));
    }

    [Fact]
    public void Saving_over_another_model_leaves_nothing_of_it()
    {
        using PeftModel mean = Train(Pooling.Mean), own = Train(Pooling.HuggingFace);
        mean.Save(_directory.Path);
        own.Save(_directory.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "head.json"], FilesIn(_directory.Path));
        mean.Save(_directory.Path);
        using var loaded = PeftModel.Load(_backbone, _directory.Path);
        Assert.Equal(Scores(mean), Scores(loaded));
    }

    [Fact]
    public void Files_that_are_no_adapters_stay()
    {
        using var model = Train();
        string card = _directory.Write("README.md", "A model card.");
        model.Save(_directory.Path);
        model.Save(_directory.Path);
        Assert.Equal("A model card.", File.ReadAllText(card));
        Assert.Equal(["README.md", "adapter_config.json", "adapter_model.safetensors", "head.json", "head.safetensors"], FilesIn(_directory.Path));
    }

    [Fact]
    public void An_adapter_whose_saving_was_killed_half_way_is_loaded_as_the_new_one()
    {
        using PeftModel old = Train(Pooling.Mean), fresh = Train(Pooling.HuggingFace, "prefix tuning");
        string directory = _directory.File("adapter");
        old.Save(directory);
        int operations = 0;
        Assert.Throws<OperationCanceledException>(() => new AtomicDirectory(directory, AdapterDirectory.ConfigurationName, () => CancelAfter(7)).Write(Adapter.FileNames, partial =>
        {
            fresh.Save(Path.Combine(partial, "all"));
            foreach (string file in Directory.GetFiles(Path.Combine(partial, "all")))
                File.Move(file, Path.Combine(partial, Path.GetFileName(file)));
            Directory.Delete(Path.Combine(partial, "all"));
        }));
        Assert.NotEqual(4, FilesIn(directory).Length);
        using var loaded = PeftModel.Load(_backbone, directory);
        Assert.Equal(Scores(fresh), Scores(loaded));
        Assert.Empty(Directory.GetDirectories(directory));

        void CancelAfter(int count)
        {
            if (operations++ == count)
                throw new OperationCanceledException();
        }
    }

    [Fact]
    public void A_directory_is_created_with_its_parents()
    {
        using var model = Train();
        string deep = _directory.File(Path.Combine("a", "b"));
        model.Save(deep);
        Assert.Equal(4, FilesIn(deep).Length);
    }

    [Fact]
    public void A_place_that_cannot_be_written_to_is_reported_and_left_as_it_was()
    {
        using var model = Train();
        string file = _directory.File("file");
        File.WriteAllText(file, "content");
        Assert.ThrowsAny<IOException>(() => model.Save(Path.Combine(file, "adapter")));
        Assert.ThrowsAny<IOException>(() => model.Save(file));
        Assert.Equal("content", File.ReadAllText(file));
        Assert.Equal(["file"], FilesIn(_directory.Path));

        string blocked = _directory.File("blocked");
        Directory.CreateDirectory(Path.Combine(blocked, "head.json"));
        Assert.ThrowsAny<Exception>(() => model.Save(blocked));
        Assert.DoesNotContain(FilesIn(blocked), name => name.EndsWith(".partial", StringComparison.Ordinal));
    }

    [Fact]
    public void An_adapter_of_another_model_is_refused_by_its_width()
    {
        string adapter = Path.Combine(Fixtures.Default, "cases", "tiny-distilbert__prompt__SEQ_CLS", "adapter");
        var error = Assert.Throws<InvalidDataException>(() => PeftModel.Load(_backbone, adapter));
        Assert.Contains(adapter, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_another_width_names_the_model_that_it_was_trained_on()
    {
        using var model = Train(Pooling.Mean);
        model.Save(_directory.Path);
        using var other = PretrainedModel.Load(Fixtures.Model("tiny-electra"), Precision.Float32);
        Change(HeadDescription.TensorsFileName, tensors => tensors["classifier.weight"] = zeros(2, 32));
        var error = Assert.Throws<InvalidDataException>(() => PeftModel.Load(other, _directory.Path));
        Assert.Contains("has 48 values per virtual token, but this frozen model takes 24; it was trained on another model", error.Message, StringComparison.Ordinal);
        Assert.Contains(_backbone.Name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TOKEN_CLS")]
    [InlineData("QUESTION_ANS")]
    [InlineData("FEATURE_EXTRACTION")]
    public void An_adapter_of_another_task_is_refused_with_the_tasks_that_are_not(string task)
    {
        SaveTrained();
        Configure("task_type", $"\"{task}\"");
        string message = Assert.Throws<NotSupportedException>(Load).Message;
        Assert.Contains($"The adapter in '{_directory.Path}' is for {task}; supported are SEQ_CLS, CAUSAL_LM and SEQ_2_SEQ_LM", message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_of_a_language_model_names_both_models_to_an_encoder()
    {
        string adapter = Path.Combine(Fixtures.Default, "cases", "tiny-llama__prompt__CAUSAL_LM", "adapter");
        string message = Assert.Throws<InvalidDataException>(() => PeftModel.Load(_backbone, adapter)).Message;
        Assert.Contains("is for CAUSAL_LM, but the frozen model", message, StringComparison.Ordinal);
        Assert.Contains($"it was trained on another model ('{AdapterConfiguration.Read(Path.Combine(adapter, "adapter_config.json")).BaseModelNameOrPath}'), not on '{_backbone.Name}'", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("num_layers", "1", "is for 1 layers of 4 key/value heads, but this frozen model has 3 of 4")]
    [InlineData("num_attention_heads", "2", "is for 3 layers of 2 key/value heads, but this frozen model has 3 of 4")]
    public void A_prefix_of_other_layers_or_heads_is_refused_though_it_has_as_many_values(string field, string value, string fault)
    {
        using (var model = Train(method: "prefix tuning"))
            model.Save(_directory.Path);
        Configure("base_model_name_or_path", "\"owner/other\"");
        Configure(field, value);
        string message = Assert.Throws<InvalidDataException>(Load).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.Contains($"it was trained on another model ('owner/other'), not on '{_backbone.Name}'", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cartridge_is_a_prefix()
    {
        string source = Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__CAUSAL_LM", "adapter");
        foreach (string file in Directory.EnumerateFiles(source))
            File.Copy(file, _directory.File(Path.GetFileName(file)));
        Configure("peft_type", "\"CARTRIDGE\"");
        Configure("num_frozen_tokens", "1");
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        using PeftModel prefix = PeftModel.Load(backbone, source), cartridge = PeftModel.Load(backbone, _directory.Path);
        using var scope = NewDisposeScope();
        var ids = tensor(new long[] { 5, 9, 7 }).unsqueeze(0);
        Assert.Equal(prefix.Forward(ids, ones_like(ids)).data<float>().ToArray(), cartridge.Forward(ids, ones_like(ids)).data<float>().ToArray());
        Assert.Equal(prefix.VirtualTokens, cartridge.VirtualTokens);

        using var copy = new TemporaryDirectory();
        cartridge.Save(copy.Path);
        Assert.Equal(AdapterConfiguration.Read(_directory.File("adapter_config.json")).ToJson(), File.ReadAllText(copy.File("adapter_config.json")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"task\": \"multiclass\"}")]
    [InlineData("{\"task\": \"multiclass\", \"pooling\": \"auto\"}")]
    [InlineData("{\"task\": \"multiclass\", \"pooling\": 17}")]
    [InlineData("{\"task\": \"ranking\", \"pooling\": \"mean\"}")]
    [InlineData("{\"task\": \"multiclass\", \"pooling\": \"mean\", \"max_tokens\": 0}")]
    [InlineData("{\"task\": \"multiclass\", \"pooling\": \"mean\", \"labels\": [\"a\", null]}")]
    [InlineData("{\"task\": \"multiclass\", \"pooling\": \"mean\", \"labels\": \"a\"}")]
    public void A_damaged_head_description_is_refused(string content)
    {
        SaveTrained();
        File.WriteAllText(_directory.File("head.json"), content);
        Assert.Contains(_directory.File("head.json"), Assert.Throws<InvalidDataException>(Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_that_are_not_as_many_as_the_outputs_are_refused()
    {
        SaveTrained();
        Describe("labels", "[\"a\", \"b\", \"c\"]");
        Assert.Contains("names 3 labels, but the head has 2 outputs", Assert.Throws<InvalidDataException>(Load).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("regression", 2)]
    [InlineData("binary", 3)]
    public void A_task_that_the_outputs_do_not_fit_is_refused(string task, int outputs)
    {
        SaveTrained();
        Describe("task", $"\"{task}\"");
        Describe("labels", "null");
        Change(HeadDescription.TensorsFileName, tensors => (tensors["classifier.weight"], tensors["classifier.bias"]) = (zeros(outputs, 48), zeros(outputs)));
        Assert.Contains($"{outputs} outputs", Assert.Throws<InvalidDataException>(Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_head_is_named()
    {
        SaveTrained();
        File.Delete(_directory.File("head.safetensors"));
        Assert.Equal(_directory.File("head.safetensors"), Assert.Throws<FileNotFoundException>(Load).FileName);
    }

    [Fact]
    public void A_head_without_its_tensors_says_what_it_has()
    {
        SaveTrained();
        Change(HeadDescription.TensorsFileName, tensors => tensors.Remove("classifier.bias"));
        var error = Assert.Throws<InvalidDataException>(Load);
        Assert.Contains("has no 'classifier.bias'", error.Message, StringComparison.Ordinal);
        Assert.Contains("it has classifier.weight", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { 2, 47 }, new long[] { 2 })]
    [InlineData(new long[] { 2, 48 }, new long[] { 3 })]
    [InlineData(new long[] { 0, 48 }, new long[] { 0 })]
    [InlineData(new long[] { 96 }, new long[] { 2 })]
    [InlineData(new long[] { 2, 48 }, new long[] { 2, 1 })]
    [InlineData(new long[] { }, new long[] { })]
    public void A_head_of_another_shape_is_refused(long[] weight, long[] bias)
    {
        SaveTrained();
        Change(HeadDescription.TensorsFileName, tensors => (tensors["classifier.weight"], tensors["classifier.bias"]) = (zeros(weight), zeros(bias)));
        var error = Assert.Throws<InvalidDataException>(Load);
        Assert.Contains("head.safetensors", error.Message, StringComparison.Ordinal);
        Assert.Contains("hidden size 48", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("head.safetensors")]
    [InlineData("adapter_model.safetensors")]
    [InlineData("adapter_config.json")]
    public void A_truncated_file_is_refused(string name)
    {
        SaveTrained();
        byte[] content = File.ReadAllBytes(_directory.File(name));
        File.WriteAllBytes(_directory.File(name), content[..^10]);
        Assert.Contains(_directory.File(name), Assert.Throws<InvalidDataException>(Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_without_a_head_is_no_classifier()
    {
        SaveTrained();
        File.Delete(_directory.File("head.json"));
        var error = Assert.Throws<InvalidDataException>(Load);
        Assert.Contains("has no 'base_model.classifier.weight': it holds no head for sequence classification", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Virtual_tokens_that_leave_no_room_for_a_text_are_refused()
    {
        SaveTrained();
        Change(AdapterDirectory.TensorsName, tensors => tensors["prompt_embeddings"] = zeros(127, 48));
        var config = JsonNode.Parse(File.ReadAllText(_directory.File("adapter_config.json")))!;
        config["num_virtual_tokens"] = 127;
        File.WriteAllText(_directory.File("adapter_config.json"), config.ToJsonString());
        Assert.Contains("127 virtual tokens", Assert.Throws<InvalidDataException>(Load).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("pytorch_model.bin")]
    public void Files_that_no_adapter_has_are_not_unpacked(string name)
    {
        using var model = Train();
        var files = new Dictionary<string, byte[]>(model.ToFiles()) { [name] = [1] };
        Assert.Contains($"'{name}'", Assert.Throws<InvalidDataException>(() => PeftModel.FromFiles(_backbone, files)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Packed_files_give_the_same_model()
    {
        using var model = Train();
        using var unpacked = PeftModel.FromFiles(_backbone, model.ToFiles());
        Assert.Equal(Scores(model), Scores(unpacked));
    }

    public void Dispose()
    {
        _backbone.Dispose();
        _directory.Dispose();
    }

    private PeftModel Train(Pooling pooling = Pooling.Mean, string method = "prompt tuning") => new TinyTraining().Run(
        _backbone, TinyTraining.Classes(16), TinyTraining.Settings with { Pooling = pooling, MaxEpochs = 1, LabelNames = ["no", "yes"], MaxTokens = 50, ValidationFraction = 0 }, method).Model;

    private void SaveTrained()
    {
        using var model = Train();
        model.Save(_directory.Path);
    }

    private object Load() => PeftModel.Load(_backbone, _directory.Path);

    private void Describe(string key, string json) => Edit("head.json", key, json);

    private void Configure(string key, string json) => Edit("adapter_config.json", key, json);

    private void Edit(string name, string key, string json)
    {
        var content = JsonNode.Parse(File.ReadAllText(_directory.File(name)))!;
        content[key] = JsonNode.Parse(json);
        File.WriteAllText(_directory.File(name), content.ToJsonString());
    }

    private void Change(string name, Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(_directory.File(name));
        var tensors = file.Tensors.Keys.ToDictionary(tensor => tensor, tensor => file.Read(tensor).clone());
        change(tensors);
        SafetensorsWriter.Write(_directory.File(name), tensors);
    }

    private IEnumerable<string> TensorsIn(string name)
    {
        using var file = SafetensorsFile.Open(_directory.File(name));
        return [.. file.Tensors.Keys.Order(StringComparer.Ordinal)];
    }

    private static string[] FilesIn(string directory) => [.. Directory.EnumerateFiles(directory).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private static float[] Scores(PeftModel model)
    {
        var scores = new float[Texts.Length * model.Outputs];
        model.Score(Texts, [], scores);
        return scores;
    }
}
