using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Beam search against trying every text, on language models with four tokens of which 3 ends.</summary>
public sealed class BeamSearchTests
{
    private const int End = 3;
    private const int Vocabulary = 4;

    [Theory]
    [MemberData(nameof(Seeds))]
    public void With_as_many_beams_as_there_are_texts_the_best_text_is_found(int seed)
    {
        using var model = new Markov(seed);
        var options = new GenerationOptions { MaxNewTokens = 4, Beams = 64, LengthPenalty = 0 };
        Assert.Equal(Every(model, options).MaxBy(text => text.LogProbability).Tokens, Write(model, options));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_length_penalty_divides_the_score(int seed)
    {
        using var model = new Markov(seed);
        var options = new GenerationOptions { MaxNewTokens = 4, Beams = 256, LengthPenalty = 2 };
        var best = Every(model, options).MaxBy(text => text.LogProbability / Math.Pow(text.Tokens.Length, 2)).Tokens;
        // Finished texts end the search once no beam can beat them now: a longer one may have become better later.
        double Score(IReadOnlyList<int> tokens) => Every(model, options).Single(text => text.Tokens.SequenceEqual(tokens)).LogProbability / Math.Pow(tokens.Count, 2);
        Assert.Equal(Score(best), Score(Write(model, options)), 1e-9);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void One_beam_is_greedy(int seed)
    {
        using var model = new Markov(seed);
        var options = new GenerationOptions { MaxNewTokens = 6 };
        var greedy = new Writing(model, null, [0], options, new HashSet<int> { End });
        WritingBatch.WriteAll(model, [greedy], default);
        Assert.Equal(greedy.Written, Write(model, options));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void More_beams_never_find_a_worse_text_here_and_some_find_a_better_one(int seed)
    {
        using var model = new Markov(seed);
        double Score(int beams)
        {
            var options = new GenerationOptions { MaxNewTokens = 5, Beams = beams, LengthPenalty = 0 };
            var tokens = Write(model, options);
            return Every(model, options).Single(text => text.Tokens.SequenceEqual(tokens)).LogProbability;
        }
        Assert.True(Score(64) >= Score(1) - 1e-9);
    }

    [Fact]
    public void Texts_do_not_end_before_the_fewest_tokens()
    {
        using var model = new Markov(1);
        var tokens = Write(model, new GenerationOptions { MaxNewTokens = 5, MinNewTokens = 3, Beams = 4 });
        Assert.True(tokens.Count >= 3);
        Assert.DoesNotContain(End, tokens.Take(2));
    }

    [Fact]
    public async Task Generate_writes_with_beams_and_does_not_stream()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        using var model = PeftModel.Load(backbone, Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__CAUSAL_LM", "adapter"));
        var options = new GenerationOptions { MaxNewTokens = 8, Beams = 3 };
        Assert.Equal(2, model.Generate(["the whale", "Call me"], options).Count);
        Assert.Equal(model.Generate(["the whale"], options), model.Generate(["the whale"], options));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await model.GenerateStreamAsync("the whale", options).FirstAsync());
        Assert.Throws<ArgumentException>(() => model.Generate(["the whale"], options with { Temperature = 1 }));
    }

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6, 7, 8];

    private static IReadOnlyList<int> Write(Markov model, GenerationOptions options) => BeamSearch.Write(model, null, [0], options, new HashSet<int> { End }, default);

    /// <summary>Every text that ends, or is as long as allowed, with its log-probability.</summary>
    private static IEnumerable<(int[] Tokens, double LogProbability)> Every(Markov model, GenerationOptions options)
    {
        IEnumerable<(int[], double)> From(int[] tokens, double score) => tokens.Length == options.MaxNewTokens || (tokens.Length > 0 && tokens[^1] == End)
            ? [(tokens, score)]
            : Enumerable.Range(0, Vocabulary).SelectMany(token => From([.. tokens, token], score + model.LogProbability(tokens.LastOrDefault(), token)));
        return From([], 0);
    }

    /// <summary>Each token's probability depends on the one before.</summary>
    private sealed class Markov : LanguageModel
    {
        private readonly Tensor _logits;    // [V, V]

        public Markov(int seed)
        {
            using var generator = new Generator((ulong)seed);
            _logits = randn(Vocabulary, Vocabulary, generator: generator);
        }

        public override ModelConfiguration Configuration => throw new NotSupportedException();

        public override ScalarType Type => ScalarType.Float32;

        public override Device Device => CPU;

        public override Tensor WordEmbeddings => throw new NotSupportedException();

        public double LogProbability(int last, int next)
        {
            using var scope = NewDisposeScope();
            return nn.functional.log_softmax(_logits[last].to(ScalarType.Float64), 0)[next].item<double>();
        }

        public override int VirtualPositions(Prompt? prompt) => 0;

        public override Tensor Forward(TokenBatch batch, Prompts prompts, Tensor? positions = null, Action<int, Tensor, Tensor>? onKeysValues = null) => throw new NotSupportedException();

        /// <summary>A hidden state is the token itself.</summary>
        public override Tensor Logits(Tensor hidden) => _logits.index_select(0, hidden);

        public override WrittenRows Begin() => new Rows(this);

        public override void Dispose() => _logits.Dispose();

        private sealed class Rows(Markov model) : WrittenRows(model)
        {
            protected override Tensor Read(IReadOnlyList<IReadOnlyList<int>> texts, Prompts prompts, IReadOnlyList<int> numbers, int maxNewTokens) =>
                tensor(texts.Select(text => (long)text[^1]).ToArray());

            protected override Tensor Next(Tensor ids) => ids;

            protected override void Select(IReadOnlyList<int> rows)
            {
            }

            protected override void Free()
            {
            }
        }
    }
}
