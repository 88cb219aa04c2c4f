using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Training;
using TorchSharp;
using static Microsoft.ML.Peft.Tests.Parity.ReferenceCase;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Our numbers against those that Hugging Face PEFT recorded, for language modelling by every decoder and method.</summary>
[Trait("Category", "Parity")]
public sealed class LanguageModelParityTests
{
    private const long Ignored = -100;

    public static IEnumerable<object[]> Cases => Trained("CAUSAL_LM");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Logits_loss_and_every_gradient_are_those_of_PEFT(string name)
    {
        using var reference = Open(name);
        using var softPrompt = reference.CreateSoftPrompt();
        var logits = Forward(reference, softPrompt.Forward());
        var loss = Loss(reference, logits);
        loss.backward();

        AssertLogits(reference, "logits", logits.detach(), Tolerances.Logits);
        AssertClose("loss", reference.Expected["loss"], loss.detach(), Tolerances.Loss);
        AssertClose("prompt", reference.Expected["prompt"], softPrompt.Compute().detach(), Tolerances.Prompt);
        foreach (var (key, parameter) in softPrompt.Parameters)
        {
            var expected = reference.Expected["grad." + key];
            double largest = Math.Max(expected.abs().max().item<float>(), 1e-12);
            AssertClose("grad." + key, expected, parameter.grad!, Tolerances.Gradient * largest);
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Five_AdamW_steps_are_those_of_PEFT(string name)
    {
        using var reference = Open(name);
        using var softPrompt = reference.CreateSoftPrompt();
        var training = reference["training"];
        var group = new ParameterGroup("soft_prompt", softPrompt.Parameters, training.GetProperty("lr").GetDouble(), "LearningRate");
        using var optimizer = new AdamWOptimizer([group], training.GetProperty("weight_decay").GetDouble(), double.PositiveInfinity);
        foreach (var expected in training.GetProperty("losses").EnumerateArray())
        {
            var loss = Loss(reference, Forward(reference, softPrompt.Forward()));
            Assert.Equal(expected.GetDouble(), loss.item<float>(), Tolerances.TrainingLoss);
            loss.backward();
            optimizer.Step(factor: 1);
        }
        using var frozen = no_grad();
        var logits = Forward(reference, softPrompt.Forward());
        Assert.Equal(training.GetProperty("final_loss").GetDouble(), Loss(reference, logits).item<float>(), Tolerances.TrainingLoss);
        AssertLogits(reference, "trained_logits", logits, Tolerances.TrainedLogits);
        foreach (var (key, parameter) in softPrompt.Parameters)
            AssertClose("final." + key, reference.Expected["final." + key], parameter, Tolerances.FinalParameter);
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void A_saved_prompt_gives_the_logits_that_it_gave_in_PEFT(string name)
    {
        using var reference = Open(name);
        using var frozen = no_grad();
        foreach (var (folder, key) in new[] { ("adapter", "logits"), ("trained_adapter", "trained_logits") })
        {
            var embeddings = reference.Read($"{folder}/adapter_model.safetensors")["prompt_embeddings"];
            var shape = reference.Backbone.Configuration;
            var prompt = reference.Text("peft_type") == "PREFIX_TUNING" ? Prompt.FromPrefix(embeddings, shape.Layers, shape.KeyValueHeads) : Prompt.FromEmbeddings(embeddings);
            AssertLogits(reference, key, Forward(reference, prompt), Tolerances.Logits);
        }
    }

    /// <summary>The mean cross-entropy of each token given those before it; labels of −100 are no targets.</summary>
    public static Tensor Loss(Tensor logits, Tensor labels)
    {
        long vocabulary = logits.size(2), length = logits.size(1);
        var predictions = logits.narrow(1, 0, length - 1).reshape(-1, vocabulary);
        return nn.functional.cross_entropy(predictions, labels.narrow(1, 1, length - 1).reshape(-1), ignore_index: Ignored);
    }

    private static Tensor Forward(ReferenceCase reference, Prompt prompt) =>
        ((Decoder)reference.Backbone).Logits(reference.Forward(prompt));

    /// <summary>Virtual tokens stand in front of the labels and are no targets.</summary>
    private static Tensor Loss(ReferenceCase reference, Tensor logits)
    {
        var labels = reference.Inputs["labels"];
        long virtualTokens = logits.size(1) - labels.size(1);
        return Loss(logits, cat([full([labels.size(0), virtualTokens], Ignored, ScalarType.Int64), labels], 1));
    }

    /// <summary>What a padding position computes is nobody's business.</summary>
    private static void AssertLogits(ReferenceCase reference, string key, Tensor actual, double tolerance)
    {
        var mask = reference.Inputs["attention_mask"];
        var seen = cat([ones(mask.size(0), actual.size(1) - mask.size(1), ScalarType.Int64), mask], 1).unsqueeze(2);
        AssertClose(key, reference.Expected[key] * seen, actual * seen, tolerance);
    }
}
