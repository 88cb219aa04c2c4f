using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Parity;

/// <summary>Greedy tokens against those recorded with Hugging Face's models, alone and in a batch padded on the left.</summary>
[Trait("Category", "Parity")]
public sealed class GenerationParityTests
{
    public static IEnumerable<object[]> Cases => ReferenceCase.Trained("CAUSAL_LM");

    public static IEnumerable<object[]> WrittenCases => Cases.Concat(ReferenceCase.Trained("SEQ_2_SEQ_LM"));

    [SkippableTheory]
    [MemberData(nameof(WrittenCases))]
    public void Greedy_tokens_are_those_of_the_reference(string name)
    {
        using var reference = ReferenceCase.Open(name);
        using var model = PeftModel.Load(reference.Model, Path.Combine(reference.Directory, "adapter"));
        int checkedRuns = 0;
        foreach (var run in reference["generation"].EnumerateArray().Where(run => run.GetProperty("greedy").GetBoolean()))
        {
            var mask = Rows(run.GetProperty("attention_mask"));
            int[][] texts = [.. Rows(run.GetProperty("input_ids")).Zip(mask, (ids, seen) => ids.Where((_, i) => seen[i] == 1).ToArray())];
            var end = run.GetProperty("eos_token_id");
            var endIds = end.ValueKind == System.Text.Json.JsonValueKind.Null ? new HashSet<int>() : [end.GetInt32()];
            var options = new GenerationOptions { MaxNewTokens = run.GetProperty("max_new_tokens").GetInt32() };
            Assert.Equal(Rows(run.GetProperty("output_ids")), model.GenerateIds(texts, options, endIds));
            checkedRuns++;
        }
        Assert.True(checkedRuns > 0);
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void An_adapter_gives_its_logits_through_the_model_and_is_saved_again_byte_for_byte(string name)
    {
        using var reference = ReferenceCase.Open(name);
        string directory = Path.Combine(reference.Directory, "trained_adapter");
        using var model = PeftModel.Load(reference.Model, directory);
        var mask = reference.Inputs["attention_mask"];
        var logits = model.Forward(reference.Inputs["input_ids"], mask);
        var expected = reference.Expected["trained_logits"];
        expected = expected.narrow(1, expected.size(1) - mask.size(1), mask.size(1));
        ReferenceCase.AssertClose("logits", expected * mask.unsqueeze(2), logits * mask.unsqueeze(2), 1e-4);
        foreach (var (file, content) in model.ToFiles())
            Assert.Equal(File.ReadAllBytes(Path.Combine(directory, file)), content);
    }

    private static int[][] Rows(System.Text.Json.JsonElement rows) => [.. rows.EnumerateArray().Select(row => row.EnumerateArray().Select(id => id.GetInt32()).ToArray())];
}
