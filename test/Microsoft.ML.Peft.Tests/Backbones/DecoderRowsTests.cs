using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Writing with cached keys and values against the whole text anew.</summary>
public sealed class DecoderRowsTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private static readonly int[][] Texts = [[5, 9, 20, 7], [33, 12, 41, 8, 17, 29, 3, 50, 4], [6]];
    private static readonly int[] Next = [11, 30, 2, 19, 45, 8, 21];

    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, bool> FamiliesAndPrompts()
    {
        var cases = new TheoryData<string, bool>();
        foreach (string family in DecoderTests.Families)
        {
            cases.Add(family, true);
            cases.Add(family, false);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(FamiliesAndPrompts))]
    public void Each_step_gives_the_logits_of_the_whole_text(string family, bool prompted)
    {
        using var model = Load(family);
        using var frozen = no_grad();
        var decoder = (Decoder)model.Frozen.Backbone;
        var prompt = prompted ? decoder.Prepare(Prompt(decoder)) : null;
        using var rows = decoder.Begin(Texts, prompt, Next.Length);
        int[][] texts = [.. Texts];
        foreach (int token in Next)
        {
            for (int row = 0; row < texts.Length; row++)
                TensorAssert.Close(Whole(decoder, texts[row], prompt), rows.Logits[row], Tolerance);
            rows.Append([.. texts.Select((_, row) => token + row)]);
            texts = [.. texts.Select((text, row) => (int[])[.. text, token + row])];
        }
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("mistral")]
    [InlineData("gemma3")]
    public void Rows_can_leave_and_be_repeated(string family)
    {
        using var model = Load(family);
        using var frozen = no_grad();
        var decoder = (Decoder)model.Frozen.Backbone;
        using var rows = decoder.Begin(Texts, null, 3);
        rows.Keep([2, 0, 2]);
        TensorAssert.Close(Whole(decoder, Texts[0], null), rows.Logits[1], Tolerance);
        rows.Append([11, 12, 13]);
        rows.Keep([1, 2]);
        TensorAssert.Close(Whole(decoder, [.. Texts[0], 12], null), rows.Logits[0], Tolerance);
        rows.Append([7, 8]);
        TensorAssert.Close(Whole(decoder, [.. Texts[2], 13, 8], null), rows.Logits[1], Tolerance);
    }

    public void Dispose() => _scope.Dispose();

    private static PretrainedModel Load(string name) => PretrainedModel.Load(Fixtures.Model("tiny-" + name), Precision.Float32);

    private static Prompt Prompt(Decoder decoder)
    {
        using var generator = new Generator(7);
        return Backbones.Prompt.FromEmbeddings(randn(3, decoder.Configuration.EmbeddingSize, generator: generator));
    }

    private static Tensor Whole(Decoder decoder, int[] text, Prompt? prompt) =>
        decoder.Logits(decoder.Forward(TokenBatch.Create([text], CPU), prompt, tensor(new long[] { text.Length - 1 })))[0];
}
