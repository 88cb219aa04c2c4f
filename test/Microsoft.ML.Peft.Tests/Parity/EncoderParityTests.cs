using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Our numbers against those that Hugging Face transformers and PEFT recorded, for every encoder and method.</summary>
[Trait("Category", "Parity")]
public sealed class EncoderParityTests
{
    private const double LogitsTolerance = 1e-4;
    private const double LossTolerance = 1e-5;
    private const double GradientTolerance = 1e-4;
    private const double TrainingLossTolerance = 1e-4;
    private const double FinalParameterTolerance = 2e-3;
    private const double TrainedLogitsTolerance = 1e-3;
    private const double PromptTolerance = 1e-6;

    public static IEnumerable<object[]> Frozen => ReferenceCase.Names(trained: false);

    public static IEnumerable<object[]> Trained => ReferenceCase.Names(trained: true);

    [SkippableTheory]
    [MemberData(nameof(Frozen))]
    public void The_frozen_model_computes_what_transformers_computes(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var frozen = no_grad();
        Compare("padded.", reference.Batch, padded: true);
        for (int row = 0; row < reference.Batch.Rows; row++)
            Compare($"row{row}.", reference.Row(row), padded: false);

        void Compare(string prefix, Backbones.TokenBatch batch, bool padded)
        {
            var hidden = reference.Encoder.Forward(batch, null);
            foreach (var (key, expected) in reference.Expected.Where(value => value.Key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                // Where the file has no pooler, transformers draws one at random: there is nothing to compare with.
                if (key.EndsWith("pooler_output", StringComparison.Ordinal) && reference.Encoder.Pooler is null)
                    continue;
                var actual = key[prefix.Length..] switch
                {
                    "last_hidden_state" => hidden,
                    "pooler_output" => tanh(reference.Encoder.Pooler!.Forward(hidden.select(1, 0))),
                    "logits" => Logits(reference, hidden, batch),
                    "loss" => TaskLoss.Loss(PredictionTask.Multiclass, Logits(reference, hidden, batch), reference.Labels),
                    _ => throw new InvalidDataException($"{name} expects '{key}', which this test does not know."),
                };
                // What a padding position computes is nobody's business.
                bool masked = padded && key.EndsWith("last_hidden_state", StringComparison.Ordinal);
                var weight = masked ? reference.Inputs["attention_mask"].unsqueeze(2) : ones(1);
                AssertClose(key, expected * weight, actual * weight, LogitsTolerance);
            }
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Trained))]
    public void Logits_loss_and_every_gradient_are_those_of_PEFT(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var trainee = reference.CreateTrainee();
        var logits = trainee.Forward(reference.Batch);
        var loss = TaskLoss.Loss(PredictionTask.Multiclass, logits, reference.Labels);
        loss.backward();

        AssertClose("logits", reference.Expected["logits"], logits.detach(), LogitsTolerance);
        AssertClose("loss", reference.Expected["loss"], loss.detach(), LossTolerance);
        AssertClose("prompt", reference.Expected["prompt"], trainee.SoftPrompt.Compute().detach(), PromptTolerance);
        foreach (var (key, parameter) in Parameters(trainee))
        {
            var expected = reference.Expected["grad." + key];
            double largest = Math.Max(expected.abs().max().item<float>(), 1e-12);
            AssertClose("grad." + key, expected, parameter.grad!, GradientTolerance * largest);
        }
        Assert.Equal(reference["trainable"].EnumerateArray().Select(value => value.GetString()), Parameters(trainee).Select(p => p.Key).Order(StringComparer.Ordinal));
    }

    [SkippableTheory]
    [MemberData(nameof(Trained))]
    public void Five_AdamW_steps_are_those_of_PEFT(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var trainee = reference.CreateTrainee();
        var training = reference["training"];
        double rate = training.GetProperty("lr").GetDouble(), decay = training.GetProperty("weight_decay").GetDouble();
        using var optimizer = new AdamWOptimizer(trainee, rate, rate, decay, double.PositiveInfinity);
        foreach (var expected in training.GetProperty("losses").EnumerateArray())
        {
            var loss = TaskLoss.Loss(PredictionTask.Multiclass, trainee.Forward(reference.Batch), reference.Labels);
            Assert.Equal(expected.GetDouble(), loss.item<float>(), TrainingLossTolerance);
            optimizer.Step(loss, factor: 1);
        }
        using var frozen = no_grad();
        var logits = trainee.Forward(reference.Batch);
        Assert.Equal(training.GetProperty("final_loss").GetDouble(), TaskLoss.Loss(PredictionTask.Multiclass, logits, reference.Labels).item<float>(), TrainingLossTolerance);
        AssertClose("trained_logits", reference.Expected["trained_logits"], logits, TrainedLogitsTolerance);
        AssertClose("trained_prompt", reference.Expected["trained_prompt"], trainee.SoftPrompt.Compute(), FinalParameterTolerance);
        foreach (var (key, parameter) in Parameters(trainee))
            AssertClose("final." + key, reference.Expected["final." + key], parameter, FinalParameterTolerance);
    }

    [SkippableTheory]
    [MemberData(nameof(Trained))]
    public void An_adapter_that_PEFT_saved_gives_its_logits_and_is_saved_again_byte_for_byte(string name)
    {
        using var reference = ReferenceCase.Open(name);
        foreach (var (folder, key) in new[] { ("adapter", "logits"), ("trained_adapter", "trained_logits") })
        {
            string directory = Path.Combine(reference.Directory, folder);
            using var model = PeftModel.Load(reference.Model, directory);
            var logits = model.Forward(reference.Inputs["input_ids"], reference.Inputs["attention_mask"], reference.Inputs.GetValueOrDefault("token_type_ids"));
            AssertClose($"{folder}: {key}", reference.Expected[key], logits, LogitsTolerance);

            var saved = model.ToFiles();
            foreach (string file in new[] { AdapterDirectory.TensorsName, AdapterDirectory.ConfigurationName })
                Assert.Equal(File.ReadAllBytes(Path.Combine(directory, file)), saved[file]);
            using var reloaded = PeftModel.FromFiles(reference.Model, saved);
            AssertClose(
                "reloaded", logits, reloaded.Forward(reference.Inputs["input_ids"], reference.Inputs["attention_mask"], reference.Inputs.GetValueOrDefault("token_type_ids")), 0);
        }
    }

    private static Tensor Logits(ReferenceCase reference, Tensor hidden, Backbones.TokenBatch batch)
    {
        var values = ReferenceCase.ReadTensors(Path.Combine(Fixtures.Model(reference.Text("model")), "model.safetensors"));
        using var head = Adapter.CreateHead(Pooling.HuggingFace, reference.Model.Frozen, values);
        return head.Forward(hidden, batch);
    }

    private static IEnumerable<KeyValuePair<string, Parameter>> Parameters(Trainee trainee) =>
        trainee.SoftPrompt.Parameters.Concat(trainee.Head.Parameters.Select(parameter => KeyValuePair.Create("base_model." + parameter.Key, parameter.Value)));

    private static void AssertClose(string what, Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double difference = (expected.to(ScalarType.Float64) - actual.to(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(difference <= tolerance, $"{what} differs by {difference:e2}, more than {tolerance:e2}.");
    }
}
