using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using TorchSharp.Modules;
using static Microsoft.ML.Peft.Tests.Parity.ReferenceCase;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Our numbers against those that Hugging Face transformers and PEFT recorded, for classification by every family and method.</summary>
[Trait("Category", "Parity")]
public sealed class ClassificationParityTests
{
    public static IEnumerable<object[]> Cases => ReferenceCase.Trained("SEQ_CLS");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Logits_loss_and_every_gradient_are_those_of_PEFT(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var trainee = reference.CreateTrainee();
        var logits = trainee.Forward(reference.Batch);
        var loss = TaskLoss.Loss(PredictionTask.Multiclass, logits, reference.Labels);
        loss.backward();

        AssertClose("logits", reference.Expected["logits"], logits.detach(), Tolerances.Logits);
        AssertClose("loss", reference.Expected["loss"], loss.detach(), Tolerances.Loss);
        AssertClose("prompt", reference.Expected["prompt"], trainee.SoftPrompt.Compute().detach(), Tolerances.Prompt);
        foreach (var (key, parameter) in Parameters(trainee))
        {
            var expected = reference.Expected["grad." + key];
            double largest = Math.Max(expected.abs().max().item<float>(), 1e-12);
            AssertClose("grad." + key, expected, parameter.grad!, Tolerances.Gradient * largest);
        }
        Assert.Equal(reference["trainable"].EnumerateArray().Select(value => value.GetString()), Parameters(trainee).Select(p => p.Key).Order(StringComparer.Ordinal));
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Five_AdamW_steps_are_those_of_PEFT(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var trainee = reference.CreateTrainee();
        var training = reference["training"];
        double rate = training.GetProperty("lr").GetDouble(), decay = training.GetProperty("weight_decay").GetDouble();
        ParameterGroup[] groups = [Group("soft_prompt", trainee.SoftPrompt.Parameters, rate), Group("head", trainee.Head.Parameters, rate)];
        using var optimizer = new AdamWOptimizer(groups, decay, double.PositiveInfinity);
        foreach (var expected in training.GetProperty("losses").EnumerateArray())
        {
            var loss = TaskLoss.Loss(PredictionTask.Multiclass, trainee.Forward(reference.Batch), reference.Labels);
            Assert.Equal(expected.GetDouble(), loss.item<float>(), Tolerances.TrainingLoss);
            loss.backward();
            optimizer.Step(factor: 1);
        }
        using var frozen = no_grad();
        var logits = trainee.Forward(reference.Batch);
        Assert.Equal(training.GetProperty("final_loss").GetDouble(), TaskLoss.Loss(PredictionTask.Multiclass, logits, reference.Labels).item<float>(), Tolerances.TrainingLoss);
        AssertClose("trained_logits", reference.Expected["trained_logits"], logits, Tolerances.TrainedLogits);
        AssertClose("trained_prompt", reference.Expected["trained_prompt"], trainee.SoftPrompt.Compute(), Tolerances.FinalParameter);
        foreach (var (key, parameter) in Parameters(trainee))
            AssertClose("final." + key, reference.Expected["final." + key], parameter, Tolerances.FinalParameter);
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void An_adapter_that_PEFT_saved_gives_its_logits_and_is_saved_again_byte_for_byte(string name)
    {
        using var reference = ReferenceCase.Open(name);
        foreach (var (folder, key) in new[] { ("adapter", "logits"), ("trained_adapter", "trained_logits") })
        {
            string directory = Path.Combine(reference.Directory, folder);
            using var model = PeftModel.Load(reference.Model, directory);
            var logits = model.Forward(reference.Inputs["input_ids"], reference.Inputs["attention_mask"], reference.Inputs.GetValueOrDefault("token_type_ids"));
            AssertClose($"{folder}: {key}", reference.Expected[key], logits, Tolerances.Logits);

            var saved = model.ToFiles();
            foreach (string file in new[] { AdapterDirectory.TensorsName, AdapterDirectory.ConfigurationName })
                Assert.Equal(File.ReadAllBytes(Path.Combine(directory, file)), saved[file]);
            using var reloaded = PeftModel.FromFiles(reference.Model, saved);
            AssertClose(
                "reloaded", logits, reloaded.Forward(reference.Inputs["input_ids"], reference.Inputs["attention_mask"], reference.Inputs.GetValueOrDefault("token_type_ids")), 0);
        }
    }

    private static ParameterGroup Group(string name, IReadOnlyDictionary<string, Parameter> parameters, double rate) => new(name, parameters, rate, "LearningRate");

    private static IEnumerable<KeyValuePair<string, Parameter>> Parameters(Trainee trainee) =>
        trainee.SoftPrompt.Parameters.Concat(trainee.Head.Parameters.Select(parameter => KeyValuePair.Create("base_model." + parameter.Key, parameter.Value)));
}
