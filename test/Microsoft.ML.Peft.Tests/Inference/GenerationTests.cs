namespace Microsoft.ML.Peft.Tests;

/// <summary>Writing with a tiny language model; its weights are random, so its words are too.</summary>
public sealed class GenerationTests : IDisposable
{
    private static readonly string[] Texts = ["the whale", "a ship of war and the sea", "Call me"];

    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
    private readonly PeftModel _model;

    public GenerationTests() => _model = PeftModel.Load(_backbone, Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__CAUSAL_LM", "adapter"));

    [Fact]
    public void A_text_is_written_on_in_a_batch_as_it_is_alone()
    {
        var options = new GenerationOptions { MaxNewTokens = 20 };
        var together = _model.Generate(Texts, options);
        Assert.Equal(Texts.Select(text => _model.Generate([text], options)[0]), together);
        Assert.All(together, text => Assert.NotEmpty(text));
    }

    [Fact]
    public async Task Streamed_pieces_are_the_whole_text()
    {
        foreach (var options in new[] { new GenerationOptions { MaxNewTokens = 30 }, new GenerationOptions { MaxNewTokens = 30, Temperature = 1.5, Seed = 4 } })
        {
            var pieces = new List<string>();
            await foreach (string piece in _model.GenerateStreamAsync(Texts[0], options))
                pieces.Add(piece);
            Assert.Equal(_model.Generate([Texts[0]], options)[0], string.Concat(pieces));
            Assert.True(pieces.Count > 1);
        }
    }

    [Fact]
    public void The_seed_decides_what_is_drawn()
    {
        GenerationOptions Options(int seed) => new() { MaxNewTokens = 20, Temperature = 1, Seed = seed };
        Assert.Equal(_model.Generate(Texts, Options(1)), _model.Generate(Texts, Options(1)));
        Assert.NotEqual(_model.Generate(Texts, Options(1)), _model.Generate(Texts, Options(2)));
    }

    [Fact]
    public async Task Writing_ends_before_a_stop_string()
    {
        string whole = _model.Generate([Texts[0]], new GenerationOptions { MaxNewTokens = 30 })[0];
        string stop = whole.Substring(whole.Length / 2, 3);
        string expected = whole[..whole.IndexOf(stop, StringComparison.Ordinal)];
        var options = new GenerationOptions { MaxNewTokens = 30, StopStrings = ["never written", stop] };
        Assert.Equal(expected, _model.Generate([Texts[0]], options)[0]);
        string streamed = "";
        await foreach (string piece in _model.GenerateStreamAsync(Texts[0], options))
            streamed += piece;
        Assert.Equal(expected, streamed);
    }

    [Fact]
    public async Task Writing_is_cancelled_between_two_tokens()
    {
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (string _ in _model.GenerateStreamAsync(Texts[0], new GenerationOptions { MaxNewTokens = 60 }, cancellation.Token))
                await cancellation.CancelAsync();
        });
        Assert.Throws<OperationCanceledException>(() => _model.Generate(Texts, cancellationToken: cancellation.Token));
    }

    [Fact]
    public void A_text_that_is_too_long_is_refused_with_the_room_there_is()
    {
        string text = "whale" + string.Concat(Enumerable.Repeat(" the sea", 100));
        int tokens = _backbone.Words.Encode(text).Ids.Count;
        var error = Assert.Throws<ArgumentException>(() => _model.Generate([text], new GenerationOptions { MaxNewTokens = 10 }));
        Assert.Equal($"A text to write on from has {tokens} tokens, but beside 5 virtual and 10 new tokens the model has room for 113; shorten it or lower MaxNewTokens.", error.Message);
    }

    [Fact]
    public void A_text_that_has_ended_leaves_the_batch_and_changes_no_other()
    {
        var longer = _model.Generate(Texts, new GenerationOptions { MaxNewTokens = 30 });
        string stop = longer[1].Substring(4, 4);
        var options = new GenerationOptions { MaxNewTokens = 30, StopStrings = [stop] };
        Assert.Equal(longer.Select(text => text.IndexOf(stop, StringComparison.Ordinal) is >= 0 and var at ? text[..at] : text), _model.Generate(Texts, options));
    }

    [Fact]
    public void Options_out_of_their_range_are_refused_by_name()
    {
        Refused(new GenerationOptions { MaxNewTokens = 0 }, "MaxNewTokens is 0; it must be at least 1.");
        Refused(new GenerationOptions { MinNewTokens = 65 }, "MinNewTokens is 65; it must be 0 to MaxNewTokens (64).");
        Refused(new GenerationOptions { Temperature = double.NaN }, "Temperature is NaN; it must be a number of at least 0.");
        Refused(new GenerationOptions { TopK = -1 }, "TopK is -1; it must be at least 0.");
        Refused(new GenerationOptions { TopP = 0 }, "TopP is 0; it must be above 0 and at most 1.");
        Refused(new GenerationOptions { MinP = 1.5 }, "MinP is 1.5; it must be 0 to 1.");
        Refused(new GenerationOptions { RepetitionPenalty = 0 }, "RepetitionPenalty is 0; it must be a number above 0.");
        Refused(new GenerationOptions { MaxNewTokens = 500 }, "MaxNewTokens is 500, but beside 5 virtual tokens the model has 123 positions; use fewer.");
        var empty = Assert.Throws<ArgumentException>(() => _model.Generate(Texts, new GenerationOptions { StopStrings = [""] }));
        Assert.StartsWith("StopStrings holds an empty text", empty.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_classifies_does_not_write_and_one_that_writes_does_not_classify()
    {
        using var classifier = PeftModel.Load(_backbone, Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__SEQ_CLS", "adapter"));
        Assert.StartsWith("This model classifies and does not write", Assert.Throws<InvalidOperationException>(() => classifier.Generate(Texts)).Message, StringComparison.Ordinal);
        Assert.StartsWith("This model writes text", Assert.Throws<InvalidOperationException>(() => _model.Classify(Texts)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_text_says_that_there_is_nothing_to_write_on_from() =>
        Assert.StartsWith("A text to write on from is empty", Assert.Throws<InvalidOperationException>(() => _model.Generate([""])).Message, StringComparison.Ordinal);

    [Fact]
    public void Several_threads_write_with_one_model()
    {
        var expected = _model.Generate(Texts, new GenerationOptions { MaxNewTokens = 10 });
        Parallel.For(0, 4, _ => Assert.Equal(expected, _model.Generate(Texts, new GenerationOptions { MaxNewTokens = 10 })));
    }

    public void Dispose()
    {
        _model.Dispose();
        _backbone.Dispose();
    }

    private void Refused(GenerationOptions options, string message) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentOutOfRangeException>(() => _model.Generate(Texts, options)).Message, StringComparison.Ordinal);
}
