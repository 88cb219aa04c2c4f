using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Peft.Tests.Estimators;

/// <summary>Whole pipelines on a tiny model, as a user of ML.NET builds them.</summary>
public sealed class PipelineTests
{
    private readonly MLContext _context = new(seed: 1);

    public static TheoryData<string> Methods => ["prompt", "prefix", "p-tuning"];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_classifies_into_keys(string method)
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit(method, rows);
        var scored = model.Transform(rows);

        AssertDelivers(method, rows, model);
        Assert.Equal(48, scored.GetColumn<uint>("PredictedLabel").Count());
        Assert.All(scored.GetColumn<float[]>("Score"), s => Assert.Equal(1, s.Sum(), 4));
        var metrics = _context.MulticlassClassification.Evaluate(scored);
        Assert.True(double.IsFinite(metrics.LogLoss));
        Assert.Equal(3, metrics.PerClassLogLoss.Count);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_classifies_into_booleans(string method)
    {
        var rows = Tickets.Load(_context);
        using var model = Fit(method, rows, o => o.LabelColumnName = "IsCrash");
        var scored = model.Transform(rows);

        AssertDelivers(method, rows, model, o => o.LabelColumnName = "IsCrash");
        var predictions = _context.Data.CreateEnumerable<BinaryPrediction>(scored, reuseRowObject: false).ToList();
        Assert.All(predictions, p => Assert.Equal(1 / (1 + Math.Exp(-p.Score)), p.Probability, 4));
        Assert.All(predictions, p => Assert.Equal(p.Score > 0, p.PredictedLabel));
        Assert.True(double.IsFinite(_context.BinaryClassification.Evaluate(scored, "IsCrash").LogLoss));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void Every_method_regresses_over_pairs(string method)
    {
        static void Change(SoftPromptOptions o) => (o.LabelColumnName, o.SecondTextColumnName) = ("Rating", "Second");
        var rows = Tickets.Load(_context);
        using var model = Fit(method, rows, Change);
        AssertDelivers(method, rows, model, Change);
        Assert.True(double.IsFinite(_context.Regression.Evaluate(model.Transform(rows), "Rating").RootMeanSquaredError));
    }

    [Theory]
    [InlineData("tiny-llama", Pooling.Auto)]
    [InlineData("tiny-gpt2", Pooling.Auto)]
    [InlineData("tiny-gemma3", Pooling.Mean)]
    [InlineData("tiny-opt", Pooling.Mean)]
    public void A_decoder_classifies_and_regresses_too(string name, Pooling pooling)
    {
        foreach (string method in (string[])["prompt", "prefix", "p-tuning"])
        {
            var rows = Tickets.Keyed(_context);
            using var model = Fit(method, rows, o => (o.Model, o.Pooling) = (Fixtures.Model(name), pooling));
            Assert.All(model.Transform(rows).GetColumn<float[]>("Score"), s => Assert.Equal(1, s.Sum(), 4));
            using var loaded = (SoftPromptTransformer)Reload(model, rows.Schema);
            Assert.Equal(Scores(model, rows), Scores(loaded, rows));
        }
        var rated = Tickets.Load(_context);
        using var regression = Fit("prefix", rated, o => (o.Model, o.Pooling, o.LabelColumnName) = (Fixtures.Model(name), pooling, "Rating"));
        Assert.True(double.IsFinite(_context.Regression.Evaluate(regression.Transform(rated), "Rating").RootMeanSquaredError));
    }

    [Fact]
    public void A_GGUF_file_is_a_model_for_a_pipeline_that_is_saved_and_loaded()
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit("prefix", rows, o => o.Model = Path.Combine(Fixtures.Folder("gguf"), "tiny-llama-q8_0.gguf"));
        using var loaded = (SoftPromptTransformer)Reload(model, rows.Schema);
        Assert.Equal(Scores(model, rows), Scores(loaded, rows));
    }

    [Fact]
    public void A_pipeline_trains_and_predicts_with_transforms_before_and_after_it()
    {
        var rows = Tickets.Load(_context);
        var model = Pipeline().Fit(rows);
        var predicted = model.Transform(rows);
        Assert.All(predicted.GetColumn<string>("PredictedLabel"), label => Assert.Contains(label, new[] { "billing", "crash", "praise" }));
        Assert.Equal(SchemaShapes.Describe(Pipeline().GetOutputSchema(SchemaShapes.Of(rows.Schema))), SchemaShapes.Describe(SchemaShapes.Of(predicted.Schema)));
    }

    [Fact]
    public void Cross_validation_works()
    {
        var results = _context.MulticlassClassification.CrossValidate(
            Tickets.Keyed(_context, 30), _context.Transforms.PromptTuning(Options(new PromptTuningOptions())), numberOfFolds: 3);
        Assert.Equal(3, results.Count);
        Assert.All(results, r => Assert.InRange(r.Metrics.MicroAccuracy, 0, 1));
    }

    [Fact]
    public void Two_soft_prompts_stand_in_one_pipeline()
    {
        var options = Options(new PrefixTuningOptions { LabelColumnName = "Rating", ScoreColumnName = "RatingScore" });
        var pipeline = Pipeline().Append(_context.Transforms.PrefixTuning(options));
        var rows = Tickets.Load(_context);
        var scored = pipeline.Fit(rows).Transform(rows);
        Assert.Equal(48, scored.GetColumn<float>("RatingScore").Count());
        Assert.Equal(48, scored.GetColumn<float[]>("Score").Count());
    }

    [Fact]
    public void Single_rows_and_batches_get_the_same_scores()
    {
        var rows = Tickets.Rows(20);
        var model = Fit("prefix", Tickets.Keyed(_context));
        var batch = model.Transform(_context.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Score").ToList();
        using var engine = _context.Model.CreatePredictionEngine<Ticket, ScoresOnly>(model);
        for (int i = 0; i < rows.Count; i++)
            AssertClose(batch[i], engine.Predict(rows[i]).Score);
    }

    [Fact]
    public void Several_threads_predict_with_one_transformer()
    {
        var rows = Tickets.Rows(12);
        using var model = Fit("prompt", Tickets.Keyed(_context));
        var expected = model.Transform(_context.Data.LoadFromEnumerable(rows)).GetColumn<float[]>("Score").ToList();
        Parallel.For(0, 4, _ =>
        {
            using var engine = _context.Model.CreatePredictionEngine<Ticket, ScoresOnly>(model, new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = 0; i < rows.Count; i++)
                AssertClose(expected[i], engine.Predict(rows[i]).Score);
        });
    }

    [Fact]
    public void Missing_texts_are_scored_as_empty_ones()
    {
        using var model = Fit("prefix", Tickets.Keyed(_context));
        var scores = model.Transform(_context.Data.LoadFromEnumerable([new Ticket { Text = null }, new Ticket { Text = "" }])).GetColumn<float[]>("Score").ToList();
        AssertClose(scores[0], scores[1]);
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_same_seed_gives_the_same_model(string method)
    {
        var rows = Tickets.Keyed(_context);
        using var first = Fit(method, rows, o => o.Seed = 7);
        using var second = Fit(method, rows, o => o.Seed = 7);
        Assert.Equal(Scores(first, rows), Scores(second, rows));
        Assert.Equal(first.TrainingHistory.Epochs.Select(e => e.TrainingLoss), second.TrainingHistory.Epochs.Select(e => e.TrainingLoss));
    }

    [Fact]
    public void Without_a_seed_the_one_of_the_context_decides()
    {
        float[] Train(int seed)
        {
            var context = new MLContext(seed);
            var rows = Tickets.Keyed(context);
            using var model = context.Transforms.PromptTuning(Options(new PromptTuningOptions { Initialization = PromptInitialization.RandomUniform })).Fit(rows);
            return Scores(model, rows);
        }
        Assert.Equal(Train(3), Train(3));
        Assert.NotEqual(Train(3), Train(4));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_saved_pipeline_predicts_the_same_when_it_is_loaded(string method)
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit(method, rows);
        using var loaded = (SoftPromptTransformer)Reload(model, rows.Schema);
        Assert.Equal(Scores(model, rows), Scores(loaded, rows));
        Assert.Equal(model.TrainingHistory.Epochs, loaded.TrainingHistory.Epochs);
        Assert.Equal(SchemaShapes.Describe(SchemaShapes.Of(model.GetOutputSchema(rows.Schema))), SchemaShapes.Describe(SchemaShapes.Of(loaded.GetOutputSchema(rows.Schema))));
    }

    [Fact]
    public void A_saved_pipeline_holds_nothing_of_the_frozen_weights()
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit("prompt", rows);
        using var stream = new MemoryStream();
        _context.Model.Save(model, rows.Schema, stream);
        Assert.InRange(stream.Length, 1, 40_000);
    }

    [Fact]
    public void A_saved_pipeline_is_loaded_in_another_process_without_registration()
    {
        using var directory = new TemporaryDirectory();
        var rows = Tickets.Load(_context);
        var model = Pipeline().Fit(rows);
        _context.Model.Save(model, rows.Schema, directory.File("tickets.zip"));

        string[] texts = ["the invoice is wrong", "it crashes", ""];
        var expected = model.Transform(_context.Data.LoadFromEnumerable(texts.Select(t => new Ticket { Text = t })));
        string[] output = RunReload([directory.File("tickets.zip"), .. texts]);

        Assert.Equal(texts.Length, output.Length);
        var lines = output.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(expected.GetColumn<string>("PredictedLabel"), lines.Select(l => l.GetProperty("PredictedLabel").GetString()!));
        var scores = expected.GetColumn<float[]>("Score").ToList();
        for (int i = 0; i < texts.Length; i++)
            AssertClose(scores[i], [.. lines[i].GetProperty("Score").EnumerateArray().Select(e => e.GetSingle())]);
    }

    [Fact]
    public void A_pipeline_whose_model_has_gone_says_so()
    {
        using var directory = new TemporaryDirectory();
        foreach (string file in Directory.EnumerateFiles(Tickets.TinyModel))
            File.Copy(file, directory.File(Path.GetFileName(file)));
        var rows = Tickets.Keyed(_context);
        using var stream = new MemoryStream();
        using (var model = Fit("prompt", rows, o => o.Model = directory.Path))
            _context.Model.Save(model, rows.Schema, stream);

        File.Delete(directory.File("model.safetensors"));
        File.Delete(directory.File("config.json"));
        stream.Position = 0;
        var error = Assert.ThrowsAny<Exception>(() => _context.Model.Load(stream, out _)).GetBaseException();
        Assert.IsAssignableFrom<IOException>(error);
        Assert.Contains(directory.Path, error.Message);
    }

    [Fact]
    public void The_device_of_the_context_counts_at_loading_too()
    {
        var rows = Tickets.Keyed(_context);
        using var model = Fit("prompt", rows);
        using var stream = new MemoryStream();
        _context.Model.Save(model, rows.Schema, stream);
        var other = new MLContext { GpuDeviceId = 99 };
        stream.Position = 0;
        Assert.StartsWith("MLContext.GpuDeviceId is 99", Assert.ThrowsAny<Exception>(() => other.Model.Load(stream, out _)).GetBaseException().Message);
        other.FallbackToCpu = true;
        stream.Position = 0;
        using var loaded = (SoftPromptTransformer)other.Model.Load(stream, out _);
        Assert.Equal(Scores(model, rows), Scores(loaded, rows));
    }

    [Fact]
    public void A_prediction_engine_disposes_its_transformer_and_harms_no_other()
    {
        var rows = Tickets.Keyed(_context);
        var first = Fit("prompt", rows, o => o.Seed = 1);
        using var second = Fit("prompt", rows, o => o.Seed = 1);
        float[] expected = Scores(second, rows);
        var lazy = first.Transform(rows);
        _context.Model.CreatePredictionEngine<Ticket, ScoresOnly>(first).Dispose();
        first.Dispose();

        const string message = "The SoftPromptTransformer is disposed.";
        Assert.Contains(message, Assert.Throws<ObjectDisposedException>(() => first.Transform(rows)).Message);
        Assert.Contains(message, Assert.Throws<ObjectDisposedException>(() => first.Model).Message);
        Assert.Contains(message, Assert.Throws<ObjectDisposedException>(() => first.SaveAdapter("never written")).Message);
        Assert.Contains(message, Assert.Throws<ObjectDisposedException>(() => _context.Model.Save(first, rows.Schema, new MemoryStream())).Message);
        Assert.Contains(message, Assert.Throws<ObjectDisposedException>(() => lazy.GetColumn<float[]>("Score").ToList()).Message);
        Assert.Equal(expected, Scores(second, rows));
    }

    [Fact]
    public void An_adapter_directory_is_saved()
    {
        using var directory = new TemporaryDirectory();
        using var model = Fit("prefix", Tickets.Keyed(_context));
        model.SaveAdapter(directory.File("adapter"));
        Assert.True(File.Exists(Path.Combine(directory.File("adapter"), "adapter_config.json")));
        Assert.True(File.Exists(Path.Combine(directory.File("adapter"), "adapter_model.safetensors")));
    }

    [Fact]
    public void Training_is_reported_in_the_history_and_the_log()
    {
        var lines = new List<string>();
        _context.Log += (_, e) => lines.Add(e.Message);
        var rows = Tickets.Keyed(_context);
        using var model = Fit("prompt", rows, o => o.MaxEpochs = 2);
        Assert.NotEmpty(model.TrainingHistory.Epochs);
        Assert.Equal("Accuracy", model.TrainingHistory.MetricName);
        Assert.Contains(lines, l => l.Contains("poch", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Precision.Auto)]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public void The_number_format_of_the_frozen_weights_is_reported_and_why_it_was_chosen(Precision precision)
    {
        var lines = new List<string>();
        _context.Log += (_, e) => lines.Add(e.Message);
        using var model = Fit("prompt", Tickets.Keyed(_context), o => (o.MaxEpochs, o.Precision) = (1, precision));
        var chosen = model.Model.Backbone.Precision;
        Assert.True(precision == Precision.Auto || precision == chosen);
        string line = Assert.Single(lines, l => l.Contains("The frozen weights are", StringComparison.Ordinal));
        Assert.Contains($"The frozen weights are {chosen}", line, StringComparison.Ordinal);
        Assert.Equal(precision == Precision.Auto, line.Contains("times as fast as in 32-bit floats", StringComparison.Ordinal));
    }

    [Fact]
    public void Rows_to_validate_on_can_be_given()
    {
        var rows = Tickets.Keyed(_context);
        var split = _context.Data.TrainTestSplit(rows, 0.5, seed: 1);
        using var model = Fit("prompt", split.TrainSet, o => o.ValidationSet = split.TestSet);
        Assert.NotNull(model.TrainingHistory.ValidationMetric);
        Assert.All(model.TrainingHistory.Epochs, e => Assert.NotNull(e.ValidationMetric));
    }

    [Fact]
    public void Training_stops_between_two_steps_when_it_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        _context.Log += (_, e) =>
        {
            if (e.Message.Contains("poch", StringComparison.Ordinal))
                source.Cancel();
        };
        Assert.Throws<OperationCanceledException>(() => Fit("prompt", Tickets.Keyed(_context), o =>
        {
            o.MaxEpochs = 10_000;
            o.Patience = 10_000;
            o.CancellationToken = source.Token;
        }));
    }

    [Fact]
    public void The_embedded_model_needs_no_configuration()
    {
        var rows = Tickets.Keyed(_context, 24);
        using var model = _context.Transforms.PromptTuning(new PromptTuningOptions { MaxEpochs = 1, VirtualTokens = 4 }).Fit(rows);
        using var loaded = (SoftPromptTransformer)Reload(model, rows.Schema);
        Assert.Equal(Scores(model, rows), Scores(loaded, rows));
    }

    private EstimatorChain<KeyToValueMappingTransformer> Pipeline()
        => _context.Transforms.Conversion.MapValueToKey("Label")
            .Append(_context.Transforms.PrefixTuning(Options(new PrefixTuningOptions())))
            .Append(_context.Transforms.Conversion.MapKeyToValue("PredictedLabel"));

    private IEstimator<SoftPromptTransformer> Estimator(string method, Action<SoftPromptOptions>? change) => method switch
    {
        "prompt" => _context.Transforms.PromptTuning(Options(new PromptTuningOptions(), change)),
        "prefix" => _context.Transforms.PrefixTuning(Options(new PrefixTuningOptions(), change)),
        _ => _context.Transforms.PTuning(Options(new PTuningOptions(), change)),
    };

    private SoftPromptTransformer Fit(string method, IDataView rows, Action<SoftPromptOptions>? change = null) => Estimator(method, change).Fit(rows);

    private static T Options<T>(T options, Action<SoftPromptOptions>? change = null) where T : SoftPromptOptions
    {
        (options.Model, options.VirtualTokens, options.MaxEpochs, options.Precision) = (Tickets.TinyModel, 4, 2, Precision.Float32);
        change?.Invoke(options);
        return options;
    }

    private void AssertDelivers(string method, IDataView rows, SoftPromptTransformer model, Action<SoftPromptOptions>? change = null)
        => Assert.Equal(
            SchemaShapes.Describe(Estimator(method, change).GetOutputSchema(SchemaShapes.Of(rows.Schema))),
            SchemaShapes.Describe(SchemaShapes.Of(model.Transform(rows).Schema)));

    private ITransformer Reload(ITransformer model, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        _context.Model.Save(model, schema, stream);
        stream.Position = 0;
        return new MLContext().Model.Load(stream, out _);
    }

    private static float[] Scores(SoftPromptTransformer model, IDataView rows) => [.. model.Transform(rows).GetColumn<float[]>("Score").SelectMany(s => s)];

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 1e-4));
    }

    /// <summary>Runs the reload program, which is built beside the tests.</summary>
    private static string[] RunReload(string[] arguments)
    {
        string program = AppContext.BaseDirectory.Replace("Microsoft.ML.Peft.Tests", "Microsoft.ML.Peft.Tests.Reload", StringComparison.Ordinal);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(program, "Microsoft.ML.Peft.Tests.Reload.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, string.Create(CultureInfo.InvariantCulture, $"exit code {process.ExitCode}: {errors.Result}"));
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed class ScoresOnly
    {
        public float[] Score { get; set; } = [];
    }

    private sealed class BinaryPrediction
    {
        public bool PredictedLabel { get; set; }

        public float Probability { get; set; }

        public float Score { get; set; }
    }
}
