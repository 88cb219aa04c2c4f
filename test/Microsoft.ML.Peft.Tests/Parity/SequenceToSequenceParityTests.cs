using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using TorchSharp;
using static Microsoft.ML.Peft.Tests.Parity.ReferenceCase;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Our numbers against those that Hugging Face PEFT recorded, for encoder–decoders by every method.</summary>
[Trait("Category", "Parity")]
public sealed class SequenceToSequenceParityTests
{
    public static IEnumerable<object[]> Cases => Trained("SEQ_2_SEQ_LM");

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Logits_loss_and_every_gradient_are_those_of_PEFT(string name)
    {
        using var reference = Open(name);
        using var softPrompt = reference.CreateSoftPrompt();
        var logits = Logits(reference, softPrompt.Forward());
        var loss = Loss(logits, reference.Inputs["labels"]);
        loss.backward();

        AssertClose("logits", reference.Expected["logits"], logits.detach(), Tolerances.Logits);
        AssertClose("loss", reference.Expected["loss"], loss.detach(), Tolerances.Loss);
        AssertClose("prompt", reference.Expected["prompt"], softPrompt.Compute().detach(), Tolerances.Prompt);
        foreach (var (key, parameter) in softPrompt.Parameters)
        {
            var expected = reference.Expected["grad." + key];
            double largest = Math.Max(expected.abs().max().item<float>(), 1e-12);
            AssertClose("grad." + key, expected, parameter.grad!, Tolerances.Gradient * largest);
        }
        Assert.Equal(reference["trainable"].EnumerateArray().Select(value => value.GetString()), softPrompt.Parameters.Keys);
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Five_AdamW_steps_are_those_of_PEFT(string name)
    {
        using var reference = Open(name);
        using var softPrompt = reference.CreateSoftPrompt();
        var training = reference["training"];
        using var optimizer = optim.AdamW(
            softPrompt.Parameters.Values, lr: training.GetProperty("lr").GetDouble(), weight_decay: training.GetProperty("weight_decay").GetDouble());
        foreach (var expected in training.GetProperty("losses").EnumerateArray())
        {
            var loss = Loss(Logits(reference, softPrompt.Forward()), reference.Inputs["labels"]);
            Assert.Equal(expected.GetDouble(), loss.item<float>(), Tolerances.TrainingLoss);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
        }
        using var frozen = no_grad();
        var logits = Logits(reference, softPrompt.Forward());
        Assert.Equal(training.GetProperty("final_loss").GetDouble(), Loss(logits, reference.Inputs["labels"]).item<float>(), Tolerances.TrainingLoss);
        AssertClose("trained_logits", reference.Expected["trained_logits"], logits, Tolerances.TrainedLogits);
        AssertClose("trained_prompt", reference.Expected["trained_prompt"], softPrompt.Compute(), Tolerances.FinalParameter);
        foreach (var (key, parameter) in softPrompt.Parameters)
            AssertClose("final." + key, reference.Expected["final." + key], parameter, Tolerances.FinalParameter);
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void An_adapter_that_PEFT_saved_gives_its_logits_and_is_saved_again_byte_for_byte(string name)
    {
        using var reference = Open(name);
        foreach (var (folder, key) in new[] { ("adapter", "logits"), ("trained_adapter", "trained_logits") })
        {
            string directory = Path.Combine(reference.Directory, folder);
            using var model = PeftModel.Load(reference.Model, directory);
            Assert.Equal(reference["num_virtual_tokens"].GetInt32(), model.VirtualTokens);
            var inputs = reference.Inputs;
            var logits = model.Forward(inputs["input_ids"], inputs["attention_mask"], decoderInputIds: inputs["decoder_input_ids"]);
            AssertClose($"{folder}: {key}", reference.Expected[key], logits, Tolerances.Logits);

            var saved = model.ToFiles();
            Assert.Equal([AdapterDirectory.ConfigurationName, AdapterDirectory.TensorsName], saved.Keys.Order(StringComparer.Ordinal));
            foreach (var (file, content) in saved)
                Assert.Equal(File.ReadAllBytes(Path.Combine(directory, file)), content);
        }
    }

    /// <summary>The mean cross-entropy of the targets; labels of −100 are none.</summary>
    public static Tensor Loss(Tensor logits, Tensor labels) => nn.functional.cross_entropy(logits.reshape(-1, logits.size(2)), labels.reshape(-1), ignore_index: -100);

    private static Tensor Logits(ReferenceCase reference, Prompt prompt) => ((EncoderDecoder)reference.Backbone).Logits(reference.Forward(prompt));
}
