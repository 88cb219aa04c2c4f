using System.Collections.Concurrent;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Many adapters over one frozen model.</summary>
public sealed class PeftModelAdaptersTests
{
    private const float Tolerance = 1e-5f;

    private static readonly string[] Texts =
        ["the whale", "he saw him from there and was not himself", "", "one man with all his ships and more than that", "a", "but the captain would not see the whale"];

    [Theory]
    [InlineData("tiny-bert")]
    [InlineData("tiny-distilbert")]
    [InlineData("tiny-electra")]
    [InlineData("tiny-llama")]
    [InlineData("tiny-gpt2")]
    public void A_batch_of_several_adapters_gives_what_each_adapter_gives_alone(string name)
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model(name), Precision.Float32);
        string[] directories = Cases(name, "SEQ_CLS");
        using var model = PeftModel.Load(backbone, directories[0]);
        var alone = new Dictionary<string, PeftModel>();
        try
        {
            foreach (string directory in directories)
            {
                model.AddAdapter(Name(directory), directory);
                alone.Add(Name(directory), PeftModel.Load(backbone, directory));
            }
            var rows = Enumerable.Range(0, 90).Select(i => (Adapter: Name(directories[i * i % directories.Length]), Text: Texts[i * 7 % Texts.Length])).ToList();
            string[] seconds = [.. rows.Select((_, i) => Texts[i % Texts.Length])];
            var together = model.Classify(rows);
            var pairs = model.Classify(rows, seconds);
            for (int i = 0; i < rows.Count; i++)
            {
                AssertClose(alone[rows[i].Adapter].Classify([rows[i].Text])[0], together[i]);
                AssertClose(alone[rows[i].Adapter].Classify([rows[i].Text], [seconds[i]])[0], pairs[i]);
            }
        }
        finally
        {
            foreach (var other in alone.Values)
                other.Dispose();
        }
    }

    [Fact]
    public void Heads_of_different_classes_and_poolings_share_a_batch()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        using PeftModel mean = Trained(backbone, Pooling.Mean, 2), cls = Trained(backbone, Pooling.Cls, 3), first = Trained(backbone, Pooling.HuggingFace, 3);
        mean.AddAdapter("cls", cls);
        mean.AddAdapter("first", first);
        AssertTogether(mean, new() { [PeftModel.DefaultAdapter] = mean, ["cls"] = cls, ["first"] = first });
        Assert.Equal((2, 3), (mean.Adapters[PeftModel.DefaultAdapter].Outputs, mean.Adapters["cls"].Outputs));
    }

    [Fact]
    public void Label_words_share_a_batch_with_heads()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        using PeftModel mean = Trained(backbone, Pooling.Mean, 3), last = Trained(backbone, Pooling.HuggingFace, 2);
        using var directory = new TemporaryDirectory();
        CopyWithLabelWords(Cases("tiny-llama", "CAUSAL_LM")[0], directory.Path);
        using var words = PeftModel.Load(backbone, directory.Path);
        mean.AddAdapter("last", last);
        mean.AddAdapter("words", directory.Path);
        AssertTogether(mean, new() { [PeftModel.DefaultAdapter] = mean, ["last"] = last, ["words"] = words });
        Assert.Equal(["yes", "no"], mean.Adapters["words"].Labels);
    }

    [Theory]
    [InlineData("tiny-llama", "CAUSAL_LM")]
    [InlineData("tiny-gemma3", "CAUSAL_LM")]
    [InlineData("tiny-t5", "SEQ_2_SEQ_LM")]
    public async Task Texts_of_several_adapters_and_of_none_are_written_together(string name, string task)
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model(name), Precision.Float32);
        string[] directories = Cases(name, task), texts = ["the whale", "he saw him from there", "Call me", "one man with all his ships"];
        using var model = PeftModel.Load(backbone, directories[0]);
        foreach (string directory in directories[1..])
            model.AddAdapter(Name(directory), directory);
        var options = new GenerationOptions { MaxNewTokens = 12 };
        var rows = Enumerable.Range(0, 20).Select(i => (Adapter: i % 4 == 3 ? null : model.Adapters.Keys.Order().ElementAt(i % model.Adapters.Count), Prompt: texts[i * 3 % 4])).ToList();
        var together = model.Generate(rows, options);
        for (int i = 0; i < rows.Count; i++)
        {
            string alone = rows[i].Adapter is { } adapter ? model.Generate([(adapter, rows[i].Prompt)], options)[0] : backbone.Generate([rows[i].Prompt], options)[0];
            Assert.Equal(alone, together[i]);
            // Bytes that are no characters may be shown otherwise piece by piece.
            if (!alone.Contains('\uFFFD', StringComparison.Ordinal))
                Assert.Equal(alone, string.Concat(await model.GenerateStreamAsync(rows[i], options).ToListAsync()));
        }
        Assert.Equal(model.Generate([texts[0]], options), model.Generate([(PeftModel.DefaultAdapter, texts[0])], options));
        Assert.True(together.Distinct().Count() > 1);
    }

    [Fact]
    public void Adapters_come_and_go_while_others_score_and_their_memory_goes_with_them()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        string[] directories = Cases("tiny-bert", "SEQ_CLS");
        using var model = PeftModel.Load(backbone, directories[0]);
        var expected = directories.Select(directory =>
        {
            using var alone = PeftModel.Load(backbone, directory);
            return alone.Classify(Texts);
        }).ToList();
        var seen = new ConcurrentBag<LoadedAdapter>();
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            int number = thread % 2;
            for (int i = 0; i < 30; i++)
            {
                string name = $"{number}";
                if (thread < 4)
                {
                    // Two threads meet at each name.
                    if (Record.Exception(() => model.AddAdapter(name, directories[number])) is { } error)
                        Assert.IsType<ArgumentException>(error);
                    if (model.Adapters.TryGetValue(name, out var adapter) && adapter.TryEnter() is { } loaded)
                    {
                        seen.Add(loaded);
                        Assert.False(IsFree(loaded));
                        adapter.Leave();
                    }
                    model.RemoveAdapter(name);
                    continue;
                }
                AssertClose(expected[0][0], model.Classify([Texts[0]])[0]);
                try
                {
                    var rows = model.Classify([.. Texts.SelectMany(text => new[] { (name, text), (PeftModel.DefaultAdapter, text) })]);
                    for (int row = 0; row < Texts.Length; row++)
                    {
                        AssertClose(expected[number][row], rows[2 * row]);
                        AssertClose(expected[0][row], rows[2 * row + 1]);
                    }
                }
                catch (KeyNotFoundException e)
                {
                    Assert.Contains("The model has no adapter", e.Message, StringComparison.Ordinal);
                }
            }
        });
        Assert.Equal([PeftModel.DefaultAdapter], model.Adapters.Keys);
        Assert.NotEmpty(seen);
        Assert.All(seen, adapter => Assert.True(IsFree(adapter)));
    }

    [Fact]
    public async Task An_adapter_that_is_removed_writes_its_texts_to_the_end()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-llama"), Precision.Float32);
        string directory = Cases("tiny-llama", "CAUSAL_LM")[0];
        using var model = PeftModel.Load(backbone, directory);
        var options = new GenerationOptions { MaxNewTokens = 40 };
        string expected = model.Generate(["the whale"], options)[0];
        model.AddAdapter("other", directory);
        var adapter = model.Adapters["other"];
        LoadedAdapter? loaded = null;
        string written = "";
        await foreach (string piece in model.GenerateStreamAsync(("other", "the whale"), options))
        {
            loaded ??= adapter.Loaded!;
            model.RemoveAdapter("other");
            Assert.False(IsFree(loaded));
            written += piece;
        }
        Assert.Equal(expected, written);
        Assert.True(IsFree(loaded!));
        Assert.Null(adapter.Loaded);
        Assert.Throws<KeyNotFoundException>(() => model.Generate([("other", "the whale")]));
    }

    [Fact]
    public void Adapters_that_were_not_used_for_long_are_not_in_memory_and_come_back_when_they_are_needed()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        string[] directories = Cases("tiny-bert", "SEQ_CLS");
        var model = PeftModel.Load(backbone, directories[0]);
        for (int i = 0; i < 20; i++)
            model.AddAdapter($"{i}", directories[i % directories.Length]);
        Assert.InRange(model.Adapters.Values.Count(adapter => adapter.Loaded is not null), 1, 10);
        var together = model.Classify([.. Enumerable.Range(0, 20).Select(i => ($"{i}", Texts[1]))]);
        for (int i = 0; i < directories.Length; i++)
        {
            using var alone = PeftModel.Load(backbone, directories[i]);
            AssertClose(alone.Classify([Texts[1]])[0], together[i]);
        }
        Assert.InRange(model.Adapters.Values.Count(adapter => adapter.Loaded is not null), 1, 10);
        model.Dispose();
        Assert.All(model.Adapters.Values, adapter => Assert.Null(adapter.Loaded));
    }

    [Fact]
    public void An_adapter_shared_by_two_models_outlives_either()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        string[] directories = Cases("tiny-bert", "SEQ_CLS");
        using var model = PeftModel.Load(backbone, directories[0]);
        var other = PeftModel.Load(backbone, directories[1]);
        var expected = other.Classify(Texts);
        model.AddAdapter("other", other);
        other.Dispose();
        AssertClose(expected[1], model.Classify([("other", Texts[1])])[0]);
        Assert.Throws<ObjectDisposedException>(() => model.AddAdapter("again", other));
        using var another = PretrainedModel.Load(Fixtures.Model("tiny-electra"), Precision.Float32);
        using var stranger = PeftModel.Load(another, Cases("tiny-electra", "SEQ_CLS")[0]);
        Assert.Contains("one frozen model", Assert.Throws<ArgumentException>(() => model.AddAdapter("stranger", stranger)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_names_are_refused_with_those_that_there_are()
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        string directory = Cases("tiny-bert", "SEQ_CLS")[0];
        var model = PeftModel.Load(backbone, directory);
        model.AddAdapter("mood", directory);
        Assert.Equal("The model has no adapter 'moood'; it has default, mood. Add it with AddAdapter.", Assert.Throws<KeyNotFoundException>(() => model.Classify([("moood", "a")])).Message);
        Assert.StartsWith("The model has an adapter 'mood' already", Assert.Throws<ArgumentException>(() => model.AddAdapter("mood", directory)).Message, StringComparison.Ordinal);
        Assert.StartsWith("The adapter 'default' stays", Assert.Throws<ArgumentException>(() => model.RemoveAdapter("default")).Message, StringComparison.Ordinal);
        Assert.StartsWith("A row names no adapter", Assert.Throws<ArgumentException>(() => model.Classify([(null!, "a")])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => model.AddAdapter(" ", directory));
        Assert.Throws<DirectoryNotFoundException>(() => model.AddAdapter("b", directory + "x"));
        Assert.False(model.RemoveAdapter("b"));
        Assert.True(model.RemoveAdapter("mood"));
        Assert.Throws<KeyNotFoundException>(() => model.Classify([("mood", "a")]));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.AddAdapter("mood", directory));
        Assert.Throws<ObjectDisposedException>(() => model.RemoveAdapter("mood"));
        Assert.Throws<ObjectDisposedException>(() => model.Classify([("default", "a")]));
    }

    private static string[] Cases(string model, string task) =>
        [.. Directory.GetDirectories(Path.Combine(Fixtures.Default, "cases"), $"{model}__p*__{task}").Order(StringComparer.Ordinal).Select(path => Path.Combine(path, "trained_adapter"))];

    private static string Name(string directory) => Path.GetFileName(Path.GetDirectoryName(directory)!).Split("__")[1];

    private static bool IsFree(LoadedAdapter adapter) => (adapter.Prompt.KeysValues ?? [adapter.Prompt.Embeddings!]).All(value => value.IsInvalid);

    private static PeftModel Trained(PretrainedModel backbone, Pooling pooling, int classes) =>
        new TinyTraining().Run(backbone, TinyTraining.Classes(20, classes: classes), TinyTraining.Settings with { Pooling = pooling }).Model;

    private static void AssertTogether(PeftModel all, Dictionary<string, PeftModel> alone)
    {
        var rows = Enumerable.Range(0, 24).Select(i => (Adapter: alone.Keys.ElementAt(i % alone.Count), Text: Texts[i % Texts.Length])).ToList();
        var together = all.Classify(rows);
        for (int i = 0; i < rows.Count; i++)
            AssertClose(alone[rows[i].Adapter].Classify([rows[i].Text])[0], together[i]);
    }

    private static void CopyWithLabelWords(string adapter, string directory)
    {
        foreach (string file in Directory.GetFiles(adapter))
            File.Copy(file, Path.Combine(directory, Path.GetFileName(file)));
        new LabelWordsDescription { Task = PredictionTask.Binary, PromptTemplate = "{text} was", Labels = ["yes", "no"], Words = ["the whale", "a ship"], Scale = 0.7 }.WriteTo(directory);
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
    }
}
