using System.Globalization;
using CsvHelper;
using Microsoft.ML.Data;
using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Reports;

public sealed class TrialsCsvTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly PeftExperimentResult _result = MadeSearch.Result();

    public void Dispose() => _directory.Dispose();

    private string Saved
    {
        get
        {
            _result.SaveCsv(_directory.File("trials.csv"));
            return _directory.File("trials.csv");
        }
    }

    [Fact]
    public void Every_trial_is_a_row_that_reads_back_as_it_was()
    {
        string table = File.ReadAllText(Saved);
        Assert.StartsWith("TrialId,Method,IsBaseline,Status,", table, StringComparison.Ordinal);
        using var csv = CsvReader.FromText(table, CsvReaderOptions.Default);
        double? Number(string column) => csv.GetString(column) is { Length: > 0 } text ? double.Parse(text, CultureInfo.InvariantCulture) : null;
        foreach (var trial in _result.Trials)
        {
            Assert.True(csv.Read());
            Assert.Equal($"{trial.TrialId}", csv.GetString("TrialId"));
            Assert.Equal(trial.Method, csv.GetString("Method"));
            Assert.Equal($"{trial.Status}", csv.GetString("Status"));
            Assert.Equal(trial.Metric, Number("Metric") ?? double.NaN);
            Assert.Equal(trial.Failure?.Message ?? "", csv.GetString("FailureMessage"));
            foreach (string option in new[] { "Rate", "Dropout" })
                Assert.Equal(trial.Parameters.GetValueOrDefault(option), Number(option));
            Assert.Equal(trial.Parameters.GetValueOrDefault("Start") ?? "", csv.GetString("Start"));
            Assert.Equal(trial.Parameters.GetValueOrDefault("Wide"), bool.TryParse(csv.GetString("Wide"), out bool wide) ? (bool?)wide : null);
            Assert.Equal(trial.Metrics.TryGetValue("LogLoss", out double loss) ? loss : null, Number("LogLoss"));
        }
        Assert.False(csv.Read());
    }

    [Fact]
    public void It_is_RFC_4180_in_UTF_8_whatever_the_culture()
    {
        var culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
            string text = File.ReadAllText(Saved);
            Assert.StartsWith("TrialId,Method,", text, StringComparison.Ordinal);
            Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
            Assert.Contains("\"The loss is \"\"NaN\"\", </script>", text, StringComparison.Ordinal);
            Assert.Contains(",0.8,1.5,", text, StringComparison.Ordinal);
            Assert.Equal((byte)'T', File.ReadAllBytes(Saved)[0]);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void ML_NET_loads_it()
    {
        var mlContext = new MLContext();
        var header = File.ReadLines(Saved).First().Split(',').ToList();
        TextLoader.Column Column(string name, DataKind kind) => new(name, kind, header.IndexOf(name));
        var loader = mlContext.Data.CreateTextLoader(new TextLoader.Options
        {
            Columns = [Column("TrialId", DataKind.Int32), Column("Metric", DataKind.Double), Column("Rate", DataKind.Double), Column("FailureMessage", DataKind.String)],
            Separators = [','],
            HasHeader = true,
            AllowQuoting = true,
            ReadMultilines = true,
            MissingRealsAsNaNs = true,
        });
        var rows = loader.Load(Saved);
        Assert.Equal(_result.Trials.Select(trial => trial.TrialId), rows.GetColumn<int>("TrialId"));
        Assert.Equal(_result.Trials.Select(trial => trial.Metric), rows.GetColumn<double>("Metric"));
        Assert.Equal(_result.Trials.Select(trial => (double?)trial.Parameters.GetValueOrDefault("Rate") ?? double.NaN), rows.GetColumn<double>("Rate"));
        Assert.Contains(rows.GetColumn<string>("FailureMessage"), message => message.StartsWith("The loss is \"NaN\"", StringComparison.Ordinal));
    }
}
