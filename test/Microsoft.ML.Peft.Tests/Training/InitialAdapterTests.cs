using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Trainings that go on from an adapter.</summary>
public sealed class InitialAdapterTests : IDisposable
{
    private static readonly TrainingSettings Settings = TinyTraining.Settings with { ValidationFraction = 0, LabelNames = ["no", "yes"] };

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly LabeledTexts _rows = TinyTraining.Classes(40);
    private readonly TemporaryDirectory _directory = new();
    private readonly TinyTraining _training = new();

    public static TheoryData<string> Methods => TinyMethods.Names;

    private string Saved => _directory.File("saved");

    private string StateFile => Path.Combine(Saved, SoftPromptState.FileName);

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_training_goes_on_bit_for_bit_from_the_trained_state(string method)
    {
        using var trained = _training.Run(_backbone, _rows, Settings, method).Model;
        trained.Save(Saved, includeTrainingState: true);
        using var goesOn = Start(method);
        goesOn.Save(_directory.File("again"), includeTrainingState: true);
        Assert.Equal(5, Directory.GetFiles(Saved).Length);
        foreach (string file in Directory.GetFiles(Saved))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(_directory.File("again"), Path.GetFileName(file))));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void It_starts_where_the_other_ended(string method)
    {
        var (trained, history) = _training.Run(_backbone, _rows, Settings with { MaxEpochs = 6 }, method);
        using var owned = trained;
        trained.Save(Saved, includeTrainingState: true);
        var (model, more) = _training.Run(_backbone, _rows, Settings with { InitialAdapter = Saved, Seed = 2 }, method);
        model.Dispose();
        Assert.True(more.Epochs[0].TrainingLoss < 0.7 * history.Epochs[0].TrainingLoss, $"{history.Epochs[0].TrainingLoss}, {more.Epochs[0].TrainingLoss}");
        Assert.DoesNotContain(_training.Lines, line => line.Contains("the head anew", StringComparison.Ordinal));
    }

    [Fact]
    public void The_state_holds_the_network_and_what_it_is_added_to()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, "P-tuning with an MLP").Model;
        trained.Save(Saved, includeTrainingState: true);
        using var state = SoftPromptState.ReadFrom(Saved)!;
        Assert.Equal(
            ["embedding.weight", "mlp_head.0.bias", "mlp_head.0.weight", "mlp_head.2.bias", "mlp_head.2.weight", "mlp_head.4.bias", "mlp_head.4.weight", "start"],
            state.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(_backbone.Fingerprint, state.ModelFingerprint);
    }

    [Fact]
    public void The_other_files_are_the_same_with_and_without_it_and_saving_without_removes_it()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, "projected prefix tuning").Model;
        trained.Save(Saved, includeTrainingState: true);
        var with = Directory.GetFiles(Saved).Where(file => file != StateFile).ToDictionary(file => file, File.ReadAllBytes);
        trained.Save(Saved);
        Assert.Equal(with, Directory.GetFiles(Saved).ToDictionary(file => file, File.ReadAllBytes));
    }

    [Fact]
    public void A_model_that_was_loaded_has_no_state_to_save()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, "P-tuning with an MLP").Model;
        trained.Save(Saved, includeTrainingState: true);
        using var loaded = PeftModel.Load(_backbone, Saved);
        Assert.Equal(trained.Classify(_rows.Texts), loaded.Classify(_rows.Texts));
        Assert.Equal(4, loaded.ToFiles().Count);
        string again = _directory.File("again");
        var error = Assert.Throws<InvalidOperationException>(() => loaded.Save(again, includeTrainingState: true));
        Assert.StartsWith("This soft prompt was loaded, ", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(again));
    }

    [Theory]
    [InlineData("prompt tuning")]
    [InlineData("prefix tuning")]
    public void Plain_prompts_and_prefixes_need_no_state(string method)
    {
        using var trained = _training.Run(_backbone, _rows, Settings, method).Model;
        trained.Save(Saved);
        using var goesOn = Start(method);
        Assert.Equal(trained.ToFiles(), goesOn.ToFiles());
    }

    [Theory]
    [InlineData("P-tuning with an MLP", ".")]
    [InlineData("P-tuning with an LSTM", ".")]
    [InlineData("projected prefix tuning", ", or go on without Projection.")]
    public void A_network_that_was_not_saved_is_asked_for(string method, string wayOut)
    {
        using var trained = _training.Run(_backbone, _rows, Settings, method).Model;
        trained.Save(Saved);
        var error = Assert.Throws<FileNotFoundException>(() => Start(method));
        Assert.StartsWith($"'{StateFile}' is missing: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Save it with SaveAdapter(directory, includeTrainingState: true) where it is trained" + wayOut, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_projected_prefix_goes_on_without_its_projection()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, "projected prefix tuning").Model;
        trained.Save(Saved);
        using var goesOn = Start("prefix tuning");
        Assert.Equal(trained.Classify(_rows.Texts), goesOn.Classify(_rows.Texts));
    }

    [Theory]
    [InlineData("tiny-bert__prompt__SEQ_CLS", "prompt tuning")]
    [InlineData("tiny-bert__prefix__SEQ_CLS", "prefix tuning")]
    [InlineData("tiny-bert__prefix-proj__SEQ_CLS", "prefix tuning")]
    public void A_training_goes_on_from_an_adapter_of_Hugging_Face(string name, string method)
    {
        using var scope = NewDisposeScope();
        string directory = Path.Combine(Fixtures.Default, "cases", name, "trained_adapter");
        var (configuration, tensors) = AdapterDirectory.Read(directory);
        var prompt = tensors["prompt_embeddings"];
        // Its classes have no names, nor have these.
        var settings = Settings with { InitialAdapter = directory, LabelNames = null, Pooling = Pooling.HuggingFace };
        int outputs = (int)tensors["base_model.classifier.weight"].size(0);
        using var trainer = _training.Begin(_backbone, TinyTraining.Classes(40, classes: outputs), settings, methodSettings: TinyMethods.Of(method, configuration.NumVirtualTokens!.Value));
        using var goesOn = trainer.Finish().Model;
        using var original = PeftModel.Load(_backbone, directory);
        Assert.Equal(prompt.shape[0], goesOn.VirtualTokens);
        Assert.Equal(original.Classify(_rows.Texts), goesOn.Classify(_rows.Texts));
        Assert.Empty(_training.Lines);
    }

    [Fact]
    public void Another_method_or_number_of_virtual_tokens_is_refused_with_both()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, "P-tuning with an MLP").Model;
        trained.Save(Saved, includeTrainingState: true);
        void Refuses(MethodSettings method, string what)
        {
            var error = Assert.Throws<ArgumentException>(() => _training.Begin(_backbone, _rows, Settings with { InitialAdapter = Saved }, methodSettings: method));
            Assert.Equal(
                $"InitialAdapter '{Saved}' is one of P-tuning with an MLP with 4 virtual tokens, but the options ask for {what}; use its method and its number of virtual tokens.", error.Message);
        }
        Refuses(new PTuningSettings(5), "P-tuning with an MLP with 5 virtual tokens");
        Refuses(new PTuningSettings(4) { Encoder = PromptEncoder.Lstm }, "P-tuning with an LSTM with 4 virtual tokens");
        Refuses(new PromptTuningSettings(4), "prompt tuning with 4 virtual tokens");
        Refuses(new PrefixTuningSettings(4) { Projection = true }, "prefix tuning with projection with 4 virtual tokens");
    }

    [Fact]
    public void A_network_of_another_size_is_refused_with_both()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, methodSettings: new PTuningSettings(4) { EncoderHiddenSize = 6 }).Model;
        trained.Save(Saved, includeTrainingState: true);
        var error = Assert.Throws<InvalidDataException>(() =>
            _training.Begin(_backbone, _rows, Settings with { InitialAdapter = Saved }, methodSettings: new PTuningSettings(4) { EncoderHiddenSize = 7 }));
        Assert.Equal($"'{StateFile}' has 'mlp_head.0.bias' as [6], but the options ask for [7]; use the options that it was trained with.", error.Message);

        using var two = _training.Run(_backbone, _rows, Settings, methodSettings: new PTuningSettings(4) { Encoder = PromptEncoder.Lstm }).Model;
        two.Save(Saved, includeTrainingState: true);
        error = Assert.Throws<InvalidDataException>(() =>
            _training.Begin(_backbone, _rows, Settings with { InitialAdapter = Saved }, methodSettings: new PTuningSettings(4) { Encoder = PromptEncoder.Lstm, EncoderLayers = 1 }));
        Assert.Contains("has 'lstm_head.bias_hh_l1' as [", error.Message, StringComparison.Ordinal);
        Assert.Contains("but the options ask for nothing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_frozen_model_is_refused_with_both()
    {
        using var trained = _training.Run(_backbone, _rows, Settings, "P-tuning with an MLP").Model;
        trained.Save(Saved, includeTrainingState: true);
        using var copy = new ModelCopy().Rewrite(tensors => tensors["bert.pooler.dense.bias"] = tensors["bert.pooler.dense.bias"] + 1);
        using var other = copy.Load();
        var error = Assert.Throws<ArgumentException>(() => _training.Begin(other, _rows, Settings with { InitialAdapter = Saved }, "P-tuning with an MLP"));
        Assert.Contains($"was trained on '{_backbone.Name}' (fingerprint {_backbone.Fingerprint})", error.Message, StringComparison.Ordinal);
        Assert.Contains($"the frozen model is '{other.Name}' (fingerprint {other.Fingerprint})", error.Message, StringComparison.Ordinal);

        using var wider = PretrainedModel.Load(Fixtures.Model("tiny-electra"), Precision.Float32);
        Assert.Contains(
            "it was trained on another model", Assert.Throws<InvalidDataException>(() => _training.Begin(wider, _rows, Settings with { InitialAdapter = Saved }, "P-tuning with an MLP")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_without_an_adapter_is_refused() =>
        Assert.Throws<DirectoryNotFoundException>(() => _training.Begin(_backbone, _rows, Settings with { InitialAdapter = Saved }));

    [Fact]
    public void A_head_for_other_classes_starts_anew_and_that_is_said()
    {
        using var trained = _training.Run(_backbone, _rows, Settings).Model;
        trained.Save(Saved);
        void StartsAnew(string reason, TrainingSettings settings, LabeledTexts? rows = null, PredictionTask task = PredictionTask.Multiclass)
        {
            using var trainer = _training.Begin(_backbone, rows ?? _rows, settings with { InitialAdapter = Saved }, task: task);
            using var model = trainer.Finish().Model;
            Assert.Equal($"The soft prompt starts from '{Saved}', the head anew: {reason}.", _training.Lines[^1]);
            var scores = new float[model.Outputs];
            model.Score(["the whale"], [], scores);
            Assert.Equal(scores[0], scores[^1]);
            byte[] prompt = File.ReadAllBytes(Path.Combine(Saved, AdapterDirectory.TensorsName));
            if (settings.Pooling == Pooling.Mean)
                Assert.Equal(prompt, model.ToFiles()[AdapterDirectory.TensorsName]);
        }
        StartsAnew("that adapter has other classes", Settings with { LabelNames = ["yes", "no"] });
        StartsAnew("that adapter has other classes", Settings with { LabelNames = ["no", "yes", "perhaps"] }, TinyTraining.Classes(30, classes: 3));
        StartsAnew("that adapter's is for Multiclass, this one for Regression", Settings with { LabelNames = null }, TinyTraining.Values(30), PredictionTask.Regression);
        StartsAnew("that adapter's pools by Mean, this one by Cls", Settings with { Pooling = Pooling.Cls });
        using var nameless = _training.Run(_backbone, _rows, Settings with { LabelNames = null }).Model;
        nameless.Save(Saved);
        StartsAnew("that adapter does not name its classes", Settings);
    }

    [Fact]
    public void A_head_for_values_goes_on_on_the_scale_of_the_new_labels()
    {
        var rows = TinyTraining.Values(40);
        var settings = Settings with { LabelNames = null, MaxEpochs = 8 };
        var (trained, history) = _training.Run(_backbone, rows, settings, task: PredictionTask.Regression);
        using var owned = trained;
        trained.Save(Saved);
        // Other rows have another mean and deviation; what the head predicts stays.
        var others = TinyTraining.Values(23);
        using var trainer = _training.Begin(_backbone, others, settings with { InitialAdapter = Saved }, task: PredictionTask.Regression);
        using var goesOn = trainer.Finish().Model;
        float[] before = new float[rows.Count], after = new float[rows.Count];
        trained.Score([.. rows.Texts], [], before);
        goesOn.Score([.. rows.Texts], [], after);
        for (int row = 0; row < rows.Count; row++)
            Assert.Equal(before[row], after[row], 0.01);

        var (model, more) = _training.Run(_backbone, rows, settings with { InitialAdapter = Saved, MaxEpochs = 1 }, task: PredictionTask.Regression);
        model.Dispose();
        Assert.True(more.Epochs[0].TrainingLoss < 0.9 * history.Epochs[0].TrainingLoss, $"{history.Epochs[0].TrainingLoss}, {more.Epochs[0].TrainingLoss}");
    }

    [Theory]
    [InlineData("prefix tuning", "tiny-llama")]
    [InlineData("P-tuning with an LSTM", "tiny-llama")]
    [InlineData("projected prefix tuning", "tiny-gpt2")]
    [InlineData("prompt tuning", "tiny-gpt2")]
    public void What_learnt_to_write_goes_on_too(string method, string name)
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model(name), Precision.Float32);
        var settings = new TrainingSettings { MaxEpochs = 2, BatchSize = 8, Seed = 1, ValidationFraction = 0, Generation = new GenerationOptions { MaxNewTokens = 8 } };
        SoftPromptTrainer Begin(TrainingSettings settings)
        {
            var random = new Random(1);
            var (rows, _) = GenerationTrainer.Tokenize(backbone, TinyMethods.Of(method), Stories.Targets(16), null, settings, _training.Observer, random);
            return GenerationTrainer.Create(backbone, TinyMethods.Of(method), rows, null, settings, _training.Observer, random);
        }
        using var first = Begin(settings);
        using var trained = first.Run(null).Model;
        trained.Save(Saved, includeTrainingState: true);
        using var second = Begin(settings with { InitialAdapter = Saved });
        using var goesOn = second.Finish().Model;
        Assert.Equal(trained.ToFiles(), goesOn.ToFiles());
    }

    public void Dispose()
    {
        _directory.Dispose();
        _backbone.Dispose();
    }

    /// <summary>What a training that goes on starts with.</summary>
    private PeftModel Start(string method)
    {
        using var trainer = _training.Begin(_backbone, _rows, Settings with { InitialAdapter = Saved, Seed = 2 }, method);
        return trainer.Finish().Model;
    }
}
