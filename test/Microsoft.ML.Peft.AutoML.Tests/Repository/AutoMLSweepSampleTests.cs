using Microsoft.ML.Peft.AutoML.Tests.Support;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests.Repository;

/// <summary>The program samples/AutoMLSweep, run as a user runs it, with a tiny model and few rows.</summary>
public sealed class AutoMLSweepSampleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string _train, _test;

    public AutoMLSweepSampleTests()
    {
        string Rows(IEnumerable<Ticket> tickets) => "Text\tLabel\n" + string.Concat(tickets.Select(ticket => $"{ticket.Text}\t{ticket.Label}\n"));
        (_train, _test) = (_directory.Write("train.tsv", Rows(Tickets.Rows(40))), _directory.Write("test.tsv", Rows(Tickets.Rows(52).Skip(40))));
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_searches_compares_saves_loads_and_prints_options_that_compile()
    {
        string saved = _directory.File("winner.zip"), report = _directory.File("report.html");
        string[] arguments =
        [
            "--train", _train, "--test", _test, "--model", Tickets.TinyModel, "--trials", "2", "--epochs", "3", "--seconds", "600",
            "--output", saved, "--report", report, "--directory", _directory.File("search"), "--text", "it crashes",
        ];
        var run = Run(arguments);

        Assert.True(run.ExitCode == 0, run.Error);
        string[] parts = ["Search", "linear probe", "Result", "Validation rows", "linear probe", "soft prompt", "2 trials in", "report.html", "Saved and loaded again", saved, "> it crashes", "The winner's options", "new P"];
        int at = 0;
        foreach (string part in parts)
        {
            int found = run.Output.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{part}' is missing or out of order in:\n{run.Output}");
            at = found;
        }
        Compiler.Compile("Winner", $"using Microsoft.ML.Peft;\npublic static class Winner {{ public static SoftPromptOptions Options => {run.Output[at..]}; }}");
        // The saved pipeline takes texts and answers with texts.
        var mlContext = new MLContext();
        var engine = mlContext.Model.CreatePredictionEngine<Ticket, Answer>(mlContext.Model.Load(saved, out _));
        Assert.Contains(engine.Predict(new Ticket { Text = "it crashes" }).PredictedLabel, new[] { "billing", "crash", "praise" });

        Assert.Contains("linear probe", File.ReadAllText(report), StringComparison.Ordinal);

        // A second run finds the search finished.
        var again = Run(arguments);
        Assert.Equal(run.Output[at..], again.Output[again.Output.IndexOf("new P", StringComparison.Ordinal)..]);
    }

    [Fact]
    public void Help_shows_the_options_and_an_example()
    {
        var run = Run("--help");
        Assert.Equal(0, run.ExitCode);
        foreach (string part in new[] { "dotnet run --project samples/AutoMLSweep", "--train", "--test", "--model", "--trials", "--seconds", "--epochs", "--seed", "--directory", "--report", "--output", "--text" })
            Assert.Contains(part, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_is_one_sentence_and_exit_code_1()
    {
        foreach (var (arguments, sentence) in new (string[], string)[]
        {
            (["--model", "/no/such/model"], "Error: "),
            (["--trials", "0"], "--trials is 0; it must be at least 1."),
            (["--output", _directory.File("none/a.zip")], $"The directory '{_directory.File("none")}' of --output does not exist."),
        })
        {
            var run = Run([.. arguments, "--train", _train, "--test", _test, "--report", _directory.File("report.html")]);
            Assert.Equal(1, run.ExitCode);
            Assert.StartsWith(sentence, run.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        }
    }

    private static (int ExitCode, string Output, string Error) Run(params string[] arguments) => SampleProgram.Run("AutoMLSweep", arguments);

    private sealed class Answer
    {
        public string PredictedLabel { get; set; } = "";
    }
}
