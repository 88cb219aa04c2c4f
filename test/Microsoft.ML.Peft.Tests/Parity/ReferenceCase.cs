using System.Text.Json;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>One recorded run of Hugging Face PEFT: model, inputs, initial values and everything that came of them.</summary>
internal sealed class ReferenceCase : IDisposable
{
    private readonly JsonElement _case;
    private readonly DisposeScope _scope = NewDisposeScope();

    private ReferenceCase(string name)
    {
        Directory = Path.Combine(Fixtures.Folder("cases"), name);
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Directory, "case.json")));
        _case = document.RootElement.Clone();
        Skip.IfNot(IsSupported(), $"{name}: this architecture is not supported yet");
        Model = PretrainedModel.Load(Fixtures.Model(Text("model")), Precision.Float32);
        Inputs = Read("inputs.safetensors");
        Expected = Read("expected.safetensors");
    }

    /// <summary>The cases of one task with a soft prompt, or the frozen models alone.</summary>
    public static IEnumerable<object[]> Trained(string task) => Names(name => name.EndsWith("__" + task, StringComparison.Ordinal) && !IsFrozen(name));

    public static IEnumerable<object[]> Frozen() => Names(IsFrozen);

    public static ReferenceCase Open(string name) => new(name);

    public string Directory { get; }

    public PretrainedModel Model { get; }

    public IReadOnlyDictionary<string, Tensor> Inputs { get; }

    public IReadOnlyDictionary<string, Tensor> Expected { get; }

    public Backbone Backbone => Model.Frozen.Backbone;

    public JsonElement this[string key] => _case.GetProperty(key);

    public string Text(string key) => _case.GetProperty(key).GetString()!;

    public TokenBatch Batch => BatchOf(Inputs);

    /// <summary>One row without its padding.</summary>
    public IReadOnlyDictionary<string, Tensor> Row(int row)
    {
        long length = Inputs["attention_mask"][row].sum().item<long>();
        string[] names = ["input_ids", "attention_mask", "token_type_ids", "decoder_input_ids"];
        return names.Where(Inputs.ContainsKey).ToDictionary(name => name, name =>
        {
            var values = Inputs[name].narrow(0, row, 1);
            return name == "decoder_input_ids" ? values : values.narrow(1, 0, length);
        });
    }

    /// <summary>Hidden states of the recorded inputs, or of other ones, `[B, S, D]`; of an encoder–decoder those of its decoder.</summary>
    public Tensor Forward(Prompt? prompt, IReadOnlyDictionary<string, Tensor>? inputs = null)
    {
        inputs ??= Inputs;
        if (inputs.TryGetValue("decoder_input_ids", out var targets))
            return Backbone.Forward(BatchOf(inputs), prompt).view(targets.size(0), targets.size(1), -1);
        return Padded.Forward(Backbone, inputs["input_ids"], prompt, inputs["attention_mask"], inputs.GetValueOrDefault("token_type_ids"));
    }

    public float[] Labels => [.. Inputs["labels"].data<long>().ToArray().Select(label => (float)label)];

    /// <summary>The soft prompt and the head with the recorded initial values.</summary>
    public Trainee CreateTrainee()
    {
        var initial = Read("initial.safetensors");
        var head = initial.Where(value => value.Key.StartsWith("base_model.", StringComparison.Ordinal))
            .ToDictionary(value => value.Key["base_model.".Length..], value => value.Value);
        return new Trainee(Backbone, CreateSoftPrompt(initial), Adapter.CreateHead(Pooling.HuggingFace, Model.Frozen, head));
    }

    public IReadOnlyDictionary<string, Tensor> Read(string file) => ReadTensors(Path.Combine(Directory, file));

    public static IReadOnlyDictionary<string, Tensor> ReadTensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).clone());
    }

    /// <summary>Compares two tensors entry by entry.</summary>
    public static void AssertClose(string what, Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double difference = (expected.to(ScalarType.Float64) - actual.to(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(difference <= tolerance, $"{what} differs by {difference:e2}, more than {tolerance:e2}.");
    }

    public void Dispose()
    {
        Model.Dispose();
        _scope.Dispose();
    }

    /// <summary>The soft prompt alone, for a language model that has no head of ours.</summary>
    public SoftPrompt CreateSoftPrompt() => CreateSoftPrompt(Read("initial.safetensors"));

    private SoftPrompt CreateSoftPrompt(IReadOnlyDictionary<string, Tensor> initial)
    {
        LinearValues Linear(string name) => new(initial[name + ".weight"], initial[name + ".bias"]);
        LstmValues Lstm(string suffix) => new(
            initial["lstm_head.weight_ih_" + suffix], initial["lstm_head.weight_hh_" + suffix],
            initial["lstm_head.bias_ih_" + suffix], initial["lstm_head.bias_hh_" + suffix]);
        var embedding = initial["embedding.weight"];
        var shape = Backbone.Configuration;
        int submodules = Backbone.Submodules;
        switch (Text("method"))
        {
            case "prompt":
                return new PromptTuning(embedding, submodules);
            case "prefix":
                return new PrefixTuning(embedding, shape.Layers, shape.KeyValueHeads, submodules);
            case "prefix-proj":
                return new ProjectedPrefixTuning(embedding, Linear("transform.0"), Linear("transform.2"), null, shape.Layers, shape.KeyValueHeads, submodules);
            case "ptuning-mlp":
                return new PTuningMlp(embedding, Linear("mlp_head.0"), Linear("mlp_head.2"), Linear("mlp_head.4"), null, submodules);
            case "ptuning-lstm":
                int layers = this["peft_config"].GetProperty("encoder_num_layers").GetInt32();
                var weights = Enumerable.Range(0, layers).Select(i => (Lstm($"l{i}"), Lstm($"l{i}_reverse"))).ToList();
                return new PTuningLstm(embedding, weights, Linear("mlp_head.0"), Linear("mlp_head.2"), null, submodules: submodules);
            default:
                throw new InvalidDataException($"Unknown method {Text("method")}.");
        }
    }

    private TokenBatch BatchOf(IReadOnlyDictionary<string, Tensor> inputs)
    {
        var batch = TokenBatch.Checked(inputs["input_ids"], inputs["attention_mask"], inputs.GetValueOrDefault("token_type_ids"), Backbone, 0).Batch;
        return inputs.TryGetValue("decoder_input_ids", out var targets)
            ? batch with { Target = TokenBatch.Checked(targets, ones_like(targets), null, Backbone, 0).Batch }
            : batch;
    }

    private static IEnumerable<object[]> Names(Func<string, bool> wanted) =>
        Fixtures.Folders("cases").Select(path => Path.GetFileName(path)!).Where(wanted).Select(name => new object[] { name });

    private static bool IsFrozen(string name) => name.Contains("__none__", StringComparison.Ordinal);

    private bool IsSupported()
    {
        string config = Path.Combine(Fixtures.Model(Text("model")), "config.json");
        using var document = JsonDocument.Parse(File.ReadAllBytes(config));
        string type = document.RootElement.GetProperty("model_type").GetString()!;
        return Backbones.Families.ModelFamilies.All.Any(family => family.ModelTypes.Contains(type));
    }
}
