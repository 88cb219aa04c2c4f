using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Texts that join and leave a running batch, against each text written alone.</summary>
public sealed class WritingQueueTests
{
    private static readonly string[] Texts =
        ["the whale", "a ship of war and the sea", "Call me", "he saw him from there and was not himself", "man", "but the captain would not see the whale and all his ships", "the sea", "one man"];

    public static TheoryData<string> Models => [.. Directory.GetDirectories(Path.Combine(Fixtures.Default, "cases"), "*__none__*LM").Select(path => Path.GetFileName(path)!.Split("__")[0]).Order()];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_text_gets_the_tokens_that_it_gets_alone_whenever_it_joins_and_whatever_runs_beside_it(string name)
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model(name), Precision.Float32);
        var model = (LanguageModel)backbone.Frozen.Backbone;
        var adapters = Adapters(backbone, name);
        try
        {
            // Every third text is drawn, every second one has a soft prompt, and all have other lengths.
            Writing Create(int i) => new(
                model, i % 2 == 0 || adapters.Count == 0 ? null : adapters[i / 2 % adapters.Count].Loaded!.Prompt, [.. backbone.Encode(Texts[i % Texts.Length]).Ids],
                new GenerationOptions { MaxNewTokens = 3 + 5 * i % 17, Temperature = i % 3 == 2 ? 1 : 0, Seed = i }, new HashSet<int>(), i);
            Writing[] alone = [.. Enumerable.Range(0, 24).Select(Create)], together = [.. Enumerable.Range(0, 24).Select(Create)];
            foreach (var writing in alone)
                WritingBatch.WriteAll(model, [writing], CancellationToken.None);
            using var batch = new WritingBatch(model);
            var waiting = new Queue<Writing>();
            var random = new Random(3);
            int next = 0;
            do
            {
                for (int i = random.Next(4); i > 0 && next < together.Length; i--)
                    waiting.Enqueue(together[next++]);
            }
            while (batch.Step(waiting) || next < together.Length);
            Assert.Equal(alone.Select(writing => writing.Written), together.Select(writing => writing.Written));
        }
        finally
        {
            adapters.ForEach(adapter => adapter.Release());
        }
    }

    [Fact]
    public async Task Callers_at_the_same_time_get_what_each_gets_alone()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        using var model = Adapted(backbone);
        GenerationOptions Options(int i) => new() { MaxNewTokens = 5 + i, Temperature = i % 2, Seed = i, StopStrings = i % 4 == 3 ? ["e"] : [] };
        var expected = Enumerable.Range(0, 16).Select(i => model.Generate([Texts[i % Texts.Length]], Options(i))[0]).ToList();
        var actual = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(async () =>
        {
            if (i % 3 == 0)
                return string.Concat(await model.GenerateStreamAsync(Texts[i % Texts.Length], Options(i)).ToListAsync());
            return model.Generate([Texts[i % Texts.Length]], Options(i))[0];
        })));
        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task A_stopped_text_leaves_and_the_others_go_on()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        var model = (LanguageModel)backbone.Frozen.Backbone;
        Writing Create(int tokens) => new(model, null, backbone.Encode(Texts[0]).Ids, new GenerationOptions { MaxNewTokens = tokens }, new HashSet<int>());
        Writing stopped = Create(100), other = Create(30);
        stopped.Advanced = () =>
        {
            if (stopped.Written.Count == 3)
                stopped.Stop();
        };
        await WritingQueue.Of(model).WriteAsync([stopped, other]);
        Assert.Equal((3, 30), (stopped.Written.Count, other.Written.Count));
    }

    [Fact]
    public async Task An_error_reaches_who_is_being_written_for_and_later_texts_are_written()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        var model = (LanguageModel)backbone.Frozen.Backbone;
        Writing Create() => new(model, null, backbone.Encode(Texts[0]).Ids, new GenerationOptions { MaxNewTokens = 4 }, new HashSet<int>());
        var bad = Create();
        bad.Advanced = () => throw new InvalidDataException("no");
        await Assert.ThrowsAsync<InvalidDataException>(() => WritingQueue.Of(model).WriteAsync([bad]));
        var good = Create();
        await WritingQueue.Of(model).WriteAsync([good]);
        Assert.Equal(4, good.Written.Count);
    }

    [Fact]
    public async Task Nothing_to_write_is_done_at_once()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        await WritingQueue.Of((LanguageModel)backbone.Frozen.Backbone).WriteAsync([]);
        Assert.Empty(backbone.Generate([]));
    }

    private static PeftModel Adapted(PretrainedModel backbone) => PeftModel.Load(backbone, Path.Combine(Fixtures.Default, "cases", "tiny-llama__prefix__CAUSAL_LM", "adapter"));

    private static List<PeftAdapter> Adapters(PretrainedModel backbone, string name) =>
        [.. Directory.GetDirectories(Path.Combine(Fixtures.Default, "cases"), name + "__p*LM").Order().Select(path => new PeftAdapter(backbone, Adapter.Load(backbone, Path.Combine(path, "trained_adapter"))))];
}
