using System.IO.Compression;
using System.Text;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Estimators;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Estimators;

public sealed class SavedTransformerTests
{
    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void A_missing_adapter_file_is_named()
    {
        string message = LoadDamaged(entries => entries.Remove(Find(entries, "Adapter-adapter_model.safetensors")));
        Assert.Equal("The saved soft prompt is damaged (the part 'Adapter-adapter_model.safetensors' is missing); save the model again.", message);
    }

    [Fact]
    public void A_missing_training_history_is_named()
    {
        string message = LoadDamaged(entries => entries.Remove(Find(entries, "TrainingHistory.json")));
        Assert.Equal("The saved soft prompt is damaged (the part 'TrainingHistory.json' is missing); save the model again.", message);
    }

    [Fact]
    public void A_training_history_that_is_no_json_is_refused()
    {
        string message = LoadDamaged(entries => entries[Find(entries, "TrainingHistory.json")] = Encoding.UTF8.GetBytes("{ \"Epochs\""));
        Assert.StartsWith("The saved soft prompt is damaged (", message);
    }

    [Theory]
    [InlineData("{\"Type\":\"String\",\"Values\":[\"a\"]}", "2 outputs and 1 label values do not fit Multiclass")]
    [InlineData("{\"Type\":\"String\",\"Values\":[]}", "it has no label values")]
    [InlineData("{\"Type\":\"Image\",\"Values\":[\"a\"]}", "the label values' type 'Image' is unknown")]
    [InlineData("{\"Type\":\"Int32\",\"Values\":[\"a\"]}", "could not be converted")]
    [InlineData("{}", "the label values' type '' is unknown")]
    [InlineData("null", "the label values' type '' is unknown")]
    [InlineData("", "JSON tokens")]
    public void Label_values_that_cannot_be_are_refused(string json, string reason)
    {
        var entries = Unzip(Save(Saved(Keyed())));
        entries[Find(entries, "LabelValues.json")] = Encoding.UTF8.GetBytes(json);
        string message = Load(Zip(entries));
        Assert.StartsWith("The saved soft prompt is damaged (", message);
        Assert.True(message.Contains(reason), message);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void A_number_of_outputs_that_cannot_be_is_refused_before_anything_is_allocated(int outputs)
    {
        var shape = TestColumns.Regression with { Outputs = outputs };
        string message = Load(Save(Saved(shape)));
        Assert.Equal($"The saved soft prompt is damaged (its number of outputs is {outputs}, not 1 to 65536); save the model again.", message);
    }

    [Fact]
    public void Outputs_that_do_not_fit_the_task_are_refused()
    {
        string message = Load(Save(Saved(TestColumns.Regression with { Task = PredictionTask.Binary })));
        Assert.Equal("The saved soft prompt is damaged (1 outputs and 0 label values do not fit Binary); save the model again.", message);
    }

    [Fact]
    public void Unknown_tasks_and_precisions_are_refused()
    {
        Assert.Contains("it has no PredictionTask 9", Load(Save(Saved(TestColumns.Regression with { Task = (PredictionTask)9 }))));
        Assert.Contains("it has no Precision 9", Load(Save(Saved(TestColumns.Regression) with { Precision = (Precision)9 })));
    }

    [Fact]
    public void A_pipeline_saved_by_the_first_version_predicts_as_it_did()
    {
        // Prompt tuning on the embedded encoder in 32-bit floats, labels "crash" and "praise"; written before there was generation.
        var loaded = _context.Model.Load(Path.Combine(Fixtures.Default, "saved", "version-1.zip"), out _);
        var scores = loaded.Transform(_context.Data.LoadFromEnumerable([new Ticket { Text = "it crashes" }, new Ticket { Text = "thank you" }])).GetColumn<float[]>("Score").ToList();
        Assert.Equal(0.9739429f, scores[0][0], 1e-3);
        Assert.Equal(0.059538584f, scores[1][0], 1e-3);
    }

    [Fact]
    public void Numbers_of_outputs_do_not_fit_a_model_that_writes()
        => Assert.Equal("The saved soft prompt is damaged (its number of outputs is 1, not 0 to 0); save the model again.", Load(Save(Saved(TestColumns.Generation with { Outputs = 1 }))));

    [Fact]
    public void Changed_and_missing_bytes_are_refused_at_once()
    {
        byte[] zip = Save(Saved(Keyed()));
        var entries = Unzip(zip);
        string header = Find(entries, "Model.key", "TransformerChain/Transform_");
        byte[] original = entries[header];
        for (int i = 0; i < original.Length; i += 3)
        {
            byte[] changed = [.. original];
            changed[i] ^= 0xFF;
            entries[header] = changed;
            Load(Zip(entries));
        }
        for (int length = 0; length < original.Length; length += 16)
        {
            entries[header] = original[..length];
            Load(Zip(entries));
        }
    }

    private string LoadDamaged(Action<Dictionary<string, byte[]>> damage)
    {
        var entries = Unzip(Save(Saved(TestColumns.Regression)));
        damage(entries);
        return Load(Zip(entries));
    }

    /// <summary>The message of the error that loading ends with: ML.NET wraps what a loader throws.</summary>
    private string Load(byte[] zip)
    {
        using var stream = new MemoryStream(zip);
        return Assert.ThrowsAny<Exception>(() => _context.Model.Load(stream, out _)).GetBaseException().Message;
    }

    private byte[] Save(SavedTransformer saved)
    {
        using var stream = new MemoryStream();
        var chain = new TransformerChain<ITransformer>(new SavingTransformer(saved));
        _context.Model.Save(chain, null, stream);
        return stream.ToArray();
    }

    private static PredictionShape Keyed() => PredictionShape.Of(
        AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 2), AnnotatedView.KeyValues(TextDataViewType.Instance, "no".AsMemory(), "yes".AsMemory())),
        TestColumns.Names);

    private static SavedTransformer Saved(PredictionShape shape) => new(
        shape, Precision.Float32, "no-such-model", "0000",
        new Dictionary<string, byte[]> { ["adapter_config.json"] = "{}"u8.ToArray(), ["adapter_model.safetensors"] = [1, 2, 3] },
        new TrainingHistory { Epochs = [], BestEpoch = 0, MetricName = "RSquared", ValidationMetric = double.NaN, ProbeValidationMetric = null });

    private static string Find(Dictionary<string, byte[]> entries, string end, string part = "")
        => entries.Keys.Single(k => k.Replace('\\', '/').EndsWith(end, StringComparison.Ordinal) && k.Replace('\\', '/').Contains(part, StringComparison.Ordinal));

    private static Dictionary<string, byte[]> Unzip(byte[] zip)
    {
        using var archive = new ZipArchive(new MemoryStream(zip));
        return archive.Entries.ToDictionary(e => e.FullName, e =>
        {
            using var stream = e.Open();
            var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            return bytes.ToArray();
        });
    }

    private static byte[] Zip(Dictionary<string, byte[]> entries)
    {
        var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in entries)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(bytes);
            }
        }
        return stream.ToArray();
    }
}
