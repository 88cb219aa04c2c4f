using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Estimators;

/// <summary>Pipelines that learn to write, on a tiny language model, as a user of ML.NET builds them.</summary>
public sealed class GenerationPipelineTests
{
    private readonly MLContext _context = new(seed: 1);

    public static TheoryData<string> Methods => ["prompt", "prefix", "p-tuning"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_writes_and_delivers_the_schema_that_it_promised(string method)
    {
        var rows = Stories.Load(_context);
        var estimator = Estimator(method);
        using var model = estimator.Fit(rows);
        var written = model.Transform(rows);
        Assert.Equal(SchemaShapes.Describe(estimator.GetOutputSchema(SchemaShapes.Of(rows.Schema))), SchemaShapes.Describe(SchemaShapes.Of(written.Schema)));
        Assert.Equal(["Text", "Second", "Label", "GeneratedText"], written.Schema.Select(column => column.Name));
        Assert.Equal(24, written.GetColumn<string>("GeneratedText").Count());
        Assert.NotEmpty(string.Concat(written.GetColumn<string>("GeneratedText")));
    }

    [Fact]
    public void A_pipeline_learns_what_to_write()
    {
        var rows = _context.Data.LoadFromEnumerable(Stories.Rows(16).Select(row => new Story { Text = row.Text, Label = "the sea" }));
        using var model = Estimator("prefix", o => (o.MaxEpochs, o.LearningRate, o.ValidationFraction) = (60, 0.1, 0)).Fit(rows);
        var written = model.Transform(rows);
        Assert.All(written.GetColumn<string>("GeneratedText"), text => Assert.Equal("the sea", text));
        var metrics = _context.TextGeneration().Evaluate(written);
        Assert.Equal((1, 16), (metrics.RougeL, metrics.Rows));
    }

    [Fact]
    public void Texts_are_written_as_the_model_below_writes_on_from_the_rendered_template()
    {
        static void Change(SoftPromptOptions o) => (o.SecondTextColumnName, o.PromptTemplate, o.Generation) = ("Second", "{second}: {text} =", new GenerationOptions { MaxNewTokens = 7, RepetitionPenalty = 1.3 });
        var rows = Stories.Rows(20);
        var data = _context.Data.LoadFromEnumerable(rows);
        using var model = Estimator("prompt", Change).Fit(data);
        Assert.Equal("{second}: {text} =", model.Model.PromptTemplate);
        var expected = model.Model.Generate([.. rows.Select(row => $"{row.Second}: {row.Text} =")], new GenerationOptions { MaxNewTokens = 7, RepetitionPenalty = 1.3 });
        Assert.Equal(expected, model.Transform(data).GetColumn<string>("GeneratedText"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_row_gets_the_same_text_alone_in_any_batch_and_any_order(double temperature)
    {
        var rows = Stories.Rows(40);
        using var model = Estimator("prefix", o => o.Generation = new GenerationOptions { MaxNewTokens = 8, Temperature = temperature, Seed = 3 }).Fit(Stories.Load(_context));
        var written = model.Transform(_context.Data.LoadFromEnumerable(rows)).GetColumn<string>("GeneratedText").ToList();
        Assert.Equal(written.AsEnumerable().Reverse(), model.Transform(_context.Data.LoadFromEnumerable(rows.Reverse())).GetColumn<string>("GeneratedText"));
        using var engine = _context.Model.CreatePredictionEngine<Story, Written>(model, new PredictionEngineOptions { OwnsTransformer = false });
        foreach (int row in (int[])[0, 7, 39])
            Assert.Equal(written[row], engine.Predict(rows[row]).GeneratedText);
        if (temperature > 0)
            Assert.True(written.Distinct().Count() > 10);
    }

    [Fact]
    public void Nothing_is_written_before_a_text_is_read()
    {
        var rows = new TrackedView(Stories.Load(_context));
        using var model = Estimator("prompt").Fit(Stories.Load(_context));
        var written = model.Transform(rows);
        Assert.Equal(24, written.GetColumn<string>("Text").Count());
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => written.GetColumn<string>("GeneratedText").First());
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_saved_pipeline_writes_the_same_when_it_is_loaded(string method)
    {
        var rows = Stories.Load(_context);
        using var model = Estimator(method, o =>
        {
            (o.MaxTokens, o.PromptTemplate, o.GeneratedTextColumnName) = (40, "{text} ->", "Story");
            o.Generation = new GenerationOptions { MaxNewTokens = 9, Temperature = 0.8, TopK = 20, StopStrings = ["never"], Seed = 5 };
        }).Fit(rows);
        using var stream = new MemoryStream();
        _context.Model.Save(model, rows.Schema, stream);
        Assert.InRange(stream.Length, 1, 40_000);
        stream.Position = 0;
        using var loaded = (SoftPromptTransformer)new MLContext().Model.Load(stream, out _);
        Assert.Equal(model.Transform(rows).GetColumn<string>("Story"), loaded.Transform(rows).GetColumn<string>("Story"));
        Assert.Equal("{text} ->", loaded.Model.PromptTemplate);
        Assert.Equal(model.TrainingHistory.Epochs, loaded.TrainingHistory.Epochs);
        Assert.Equal(
            (model.TrainingHistory.BaseValidationLoss, model.TrainingHistory.ValidationRougeL),
            (loaded.TrainingHistory.BaseValidationLoss, loaded.TrainingHistory.ValidationRougeL));
        Assert.Equal(SchemaShapes.Describe(SchemaShapes.Of(model.GetOutputSchema(rows.Schema))), SchemaShapes.Describe(SchemaShapes.Of(loaded.GetOutputSchema(rows.Schema))));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_adapter_is_one_for_language_modelling_that_loads_below_the_pipeline(string method)
    {
        using var directory = new TemporaryDirectory();
        var rows = Stories.Load(_context);
        using var model = Estimator(method).Fit(rows);
        model.SaveAdapter(directory.Path);
        Assert.Equal(["adapter_config.json", "adapter_model.safetensors", "generation.json"], Directory.EnumerateFiles(directory.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var configuration = JsonNode.Parse(File.ReadAllText(directory.File("adapter_config.json")))!;
        Assert.Equal("CAUSAL_LM", (string?)configuration["task_type"]);
        Assert.Null(configuration["modules_to_save"]);
        using var backbone = PretrainedModel.Load(Stories.TinyModel, Precision.Float32);
        using var loaded = PeftModel.Load(backbone, directory.Path);
        Assert.Equal("{text}\n", loaded.PromptTemplate);
        var options = new GenerationOptions { MaxNewTokens = 12 };
        Assert.Equal(model.Model.Generate(["the whale\n"], options), loaded.Generate(["the whale\n"], options));
    }

    [Fact]
    public void Long_texts_are_cut_so_that_the_prompt_and_what_is_written_fit()
    {
        using var model = Estimator("prefix", o => o.Generation = new GenerationOptions { MaxNewTokens = 60 }).Fit(Stories.Load(_context));
        string start = string.Concat(Enumerable.Repeat("whale ", 200));
        var rows = _context.Data.LoadFromEnumerable([new Story { Text = start + "ship" }, new Story { Text = start + "man" }, new Story { Text = "man " + start }]);
        var written = model.Transform(rows).GetColumn<string>("GeneratedText").ToList();
        Assert.Equal(written[0], written[1]);
        Assert.NotEqual(written[0], written[2]);
    }

    [Fact]
    public void Rows_without_anything_to_write_are_left_out_and_counted()
    {
        var lines = new List<string>();
        _context.Log += (_, e) => lines.Add(e.Message);
        var rows = _context.Data.LoadFromEnumerable(Stories.Rows(8).Append(new Story { Text = "the man" }));
        using var model = Estimator("prompt", o => (o.MaxEpochs, o.ValidationFraction) = (1, 0)).Fit(rows);
        Assert.Contains(lines, line => line.Contains("1 of 9 rows of the training set have no label in the column 'Label' and are left out.", StringComparison.Ordinal));
    }

    [Fact]
    public void Rows_to_validate_on_can_be_given()
    {
        using var model = Estimator("prompt", o => o.ValidationSet = Stories.Load(_context, 6)).Fit(Stories.Load(_context, 16));
        Assert.NotNull(model.TrainingHistory.ValidationMetric);
        Assert.NotNull(model.TrainingHistory.ValidationRougeL);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"prompt_template\":\"facts\",\"options\":{}}")]
    [InlineData("{\"prompt_template\":\"{text}\",\"options\":{\"max_new_tokens\":0}}")]
    [InlineData("{\"prompt_template\":\"{text}\",\"options\":{},\"max_tokens\":0}")]
    public void A_description_that_cannot_be_is_refused_with_its_file(string json)
    {
        using var directory = new TemporaryDirectory();
        using var model = Estimator("prompt", o => o.MaxEpochs = 1).Fit(Stories.Load(_context, 8));
        model.SaveAdapter(directory.Path);
        string path = directory.Write("generation.json", json);
        using var backbone = PretrainedModel.Load(Stories.TinyModel, Precision.Float32);
        Assert.StartsWith($"'{path}' does not describe how to write: ", Assert.Throws<InvalidDataException>(() => PeftModel.Load(backbone, directory.Path)).Message);
    }

    [Fact]
    public void A_training_that_was_interrupted_goes_on_to_the_same_bits()
    {
        using var directory = new TemporaryDirectory();
        using var source = new CancellationTokenSource();
        var rows = Stories.Load(_context);
        void Change(SoftPromptOptions o) => (o.MaxEpochs, o.CheckpointDirectory) = (4, directory.File("checkpoint"));
        var interrupted = new MLContext(1);
        interrupted.Log += (_, e) =>
        {
            if (e.Message.Contains("Epoch 2/4: ", StringComparison.Ordinal))
                source.Cancel();
        };
        var options = Options(new PrefixTuningOptions { CancellationToken = source.Token }, Change);
        Assert.Throws<OperationCanceledException>(() => interrupted.Transforms.PrefixTuning(options).Fit(rows));
        using var resumed = Estimator("prefix", Change).Fit(rows);
        using var whole = Estimator("prefix", o => o.MaxEpochs = 4).Fit(rows);
        Assert.Equal(whole.Model.ToFiles()["adapter_model.safetensors"], resumed.Model.ToFiles()["adapter_model.safetensors"]);
        Assert.Equal(whole.TrainingHistory.ValidationMetric, resumed.TrainingHistory.ValidationMetric);
    }

    [Fact]
    public void Several_references_may_stand_in_a_vector_column()
    {
        var rows = _context.Data.LoadFromEnumerable([
            new Evaluated { GeneratedText = "the cat sat on the mat", Label = ["a dog", "the cat sat on the mat"] },
            new Evaluated { GeneratedText = "one two three four", Label = ["one two", ""] },
        ]);
        var metrics = _context.TextGeneration().Evaluate(rows);
        Assert.Equal((1 + 2 / 3d) / 2, metrics.RougeL, 10);
        // Words 8/10, pairs 6/8, triples 4/6, fours 3/4; the texts are longer than their references.
        Assert.Equal(Math.Pow(8 / 10d * (6 / 8d) * (4 / 6d) * (3 / 4d), 0.25), metrics.Bleu4, 10);
        Assert.Equal(2, metrics.Rows);
    }

    private IEstimator<SoftPromptTransformer> Estimator(string method, Action<SoftPromptOptions>? change = null) => method switch
    {
        "prompt" => _context.Transforms.PromptTuning(Options(new PromptTuningOptions(), change)),
        "prefix" => _context.Transforms.PrefixTuning(Options(new PrefixTuningOptions(), change)),
        _ => _context.Transforms.PTuning(Options(new PTuningOptions(), change)),
    };

    private static T Options<T>(T options, Action<SoftPromptOptions>? change) where T : SoftPromptOptions
    {
        (options.Model, options.VirtualTokens, options.MaxEpochs, options.Precision, options.Seed) = (Stories.TinyModel, 4, 2, Precision.Float32, 1);
        options.Generation = new GenerationOptions { MaxNewTokens = 12 };
        change?.Invoke(options);
        return options;
    }

    private sealed class Written
    {
        public string GeneratedText { get; set; } = "";
    }

    private sealed class Evaluated
    {
        public string GeneratedText { get; set; } = "";

        [VectorType]
        public string[] Label { get; set; } = [];
    }
}
