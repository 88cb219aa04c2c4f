using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The program samples/BringYourOwnModel, run as a user runs it.</summary>
public sealed class BringYourOwnModelSampleTests
{
    private const string Trained = "cases/tiny-llama__prefix__CAUSAL_LM/trained_adapter";

    [Fact]
    public void Without_arguments_it_goes_through_what_the_repository_holds()
    {
        var run = Run("--max-new-tokens", "3");
        Assert.True(run.ExitCode == 0, run.Error);
        SampleProgram.AssertInOrder(run.Output,
            "Directory 'all-MiniLM-L6-v2': bert encoder, 6 layers of 384", "Adapter: PROMPT_TUNING", "> Where is my parcel?", "→ Shipping",
            "GGUF file 'SmolLM2-135M-Instruct.Q4_1.gguf': llama decoder", "> The three primary colours are", "→",
            "Directory 'tiny-bert': bert encoder", "Adapter: PREFIX_TUNING for SEQ_CLS, 4 virtual tokens, trained on 'tiny-bert'", "→ class ");
    }

    [Fact]
    public void It_takes_a_directory_or_a_GGUF_file_with_an_adapter_of_Hugging_Face_PEFT()
    {
        string adapter = Path.Combine(Fixtures.Default, Trained);
        var options = new GenerationOptions { MaxNewTokens = 5 };
        foreach (string path in new[] { Fixtures.Model("tiny-llama"), Path.Combine(Fixtures.Default, "gguf/tiny-llama-f32.gguf") })
        {
            using var backbone = PretrainedModel.Load(path);
            using var model = PeftModel.Load(backbone, adapter);
            string expected = model.Generate(["the whale"], options)[0];
            var run = Run("--model", path, "--adapter", adapter, "--text", "the whale", "--max-new-tokens", "5");
            Assert.True(run.ExitCode == 0, run.Error);
            SampleProgram.AssertInOrder(run.Output.ReplaceLineEndings("\n"), "llama decoder", "Adapter: PREFIX_TUNING for CAUSAL_LM", "> the whale\n", "→" + expected.ReplaceLineEndings("\n"));
        }
    }

    [Fact]
    public void An_error_is_one_sentence_and_exit_code_1()
    {
        foreach (var (arguments, sentence) in new (string[], string)[]
        {
            (["--model", "/no/such/model"], "Error: The model '/no/such/model' was not found"),
            (["--model", Fixtures.Model("tiny-bert")], $"Error: '{Fixtures.Model("tiny-bert")}' is an encoder, which reads and does not write: give an adapter with --adapter"),
            (["--model", Fixtures.Model("tiny-bert"), "--adapter", Path.Combine(Fixtures.Default, Trained)], "Error: "),
            (["--adapter", Path.Combine(Fixtures.Default, Trained)], "--adapter needs the model that it is for; name it with --model."),
        })
        {
            var run = Run(arguments);
            Assert.Equal(1, run.ExitCode);
            Assert.StartsWith(sentence, run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
    }

    private static (int ExitCode, string Output, string Error) Run(params string[] arguments) => SampleProgram.Run("BringYourOwnModel", arguments);
}
