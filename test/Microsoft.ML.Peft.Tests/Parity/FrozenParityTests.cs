using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Training;
using static Microsoft.ML.Peft.Tests.Parity.ReferenceCase;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Frozen models against what Hugging Face transformers recorded, padded and row by row.</summary>
[Trait("Category", "Parity")]
public sealed class FrozenParityTests
{
    public static IEnumerable<object[]> Cases => ReferenceCase.Frozen();

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void The_frozen_model_computes_what_transformers_computes(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var frozen = no_grad();
        Compare("padded.", reference.Inputs, padded: true);
        for (int row = 0; row < reference.Inputs["input_ids"].size(0); row++)
            Compare($"row{row}.", reference.Row(row), padded: false);

        void Compare(string prefix, IReadOnlyDictionary<string, Tensor> inputs, bool padded)
        {
            var hidden = reference.Forward(null, inputs);
            foreach (var (key, expected) in reference.Expected.Where(value => value.Key.StartsWith(prefix, StringComparison.Ordinal)))
            {
                // Where the file has no pooler, transformers draws one at random: there is nothing to compare with.
                if (key.EndsWith("pooler_output", StringComparison.Ordinal) && reference.Backbone.Pooler is null)
                    continue;
                var actual = key[prefix.Length..] switch
                {
                    "last_hidden_state" => hidden,
                    "pooler_output" => tanh(reference.Backbone.Pooler!.Forward(hidden.select(1, 0))),
                    "logits" => Logits(reference, hidden, inputs),
                    "loss" => Loss(reference, Logits(reference, hidden, inputs)),
                    _ => throw new InvalidDataException($"{name} expects '{key}', which this test does not know."),
                };
                // What a padding position computes is nobody's business.
                bool masked = padded && expected.dim() == 3 && reference.Text("task") != "SEQ_2_SEQ_LM";
                var weight = masked ? reference.Inputs["attention_mask"].unsqueeze(2) : ones(1);
                AssertClose(key, expected * weight, actual * weight, Tolerances.Logits);
            }
        }
    }

    private static Tensor Loss(ReferenceCase reference, Tensor logits) => reference.Text("task") switch
    {
        "CAUSAL_LM" => LanguageModelParityTests.Loss(logits, reference.Inputs["labels"]),
        "SEQ_2_SEQ_LM" => SequenceToSequenceParityTests.Loss(logits, reference.Inputs["labels"]),
        _ => TaskLoss.Loss(PredictionTask.Multiclass, logits, reference.Labels),
    };

    private static Tensor Logits(ReferenceCase reference, Tensor hidden, IReadOnlyDictionary<string, Tensor> inputs)
    {
        if (reference.Text("task") is "CAUSAL_LM" or "SEQ_2_SEQ_LM")
            return ((LanguageModel)reference.Backbone).Logits(hidden);
        var values = ReferenceCase.ReadTensors(Path.Combine(Fixtures.Model(reference.Text("model")), "model.safetensors"));
        using var head = Adapter.CreateHead(Pooling.HuggingFace, reference.Model.Frozen, values);
        return head.Forward(reference.Backbone, TokenBatch.Checked(inputs["input_ids"], inputs["attention_mask"], inputs.GetValueOrDefault("token_type_ids"), reference.Backbone, 0).Batch, null);
    }
}
