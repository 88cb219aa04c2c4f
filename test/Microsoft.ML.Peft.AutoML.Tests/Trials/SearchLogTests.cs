using System.Text;
using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML.Tests.Trials;

public sealed class SearchLogTests : IDisposable
{
    private static readonly SearchEvent[] Lines =
    [
        new SearchOpened(new Dictionary<string, string> { ["metric"] = "Accuracy", ["tuner"] = "Tüner \"x\"\n" }, 7) { Elapsed = 0.1 },
        new TrialStarted(0, "linear probe", "model", null, 7, 0, 0) { Elapsed = 1 / 3.0 },
        new TrialReported(0, new TrialReport(0, new Dictionary<string, double> { ["Accuracy"] = 0.1 + 0.2, ["LogLoss"] = double.NaN }, 1e-300, 12345678901, double.MaxValue), null) { Elapsed = 2 },
        new TrialEpoch(1, new PeftEpoch(1, Math.PI, null, 0.5)) { Elapsed = 3 },
        new TrialFailed(1, new PeftTrialFailure(PeftFailureReason.Diverged, "It became NaN.")) { Elapsed = 4 },
    ];

    private readonly TemporaryDirectory _directory = new();

    private string LogPath => _directory.File(SearchLog.FileName);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Events_come_back_as_they_were_to_the_last_bit()
    {
        Write(Lines);
        using var log = SearchLog.Open(_directory.Path);
        Assert.Equal(Lines.Select(Text), log.Events.Select(Text));
        var report = Assert.IsType<TrialReported>(log.Events[2]).Report;
        Assert.Equal((0.1 + 0.2, 1e-300, 12345678901, double.MaxValue), (report.Metrics["Accuracy"], report.Seconds, report.AdapterBytes, report.MillisecondsPerText));
        Assert.True(double.IsNaN(report.Metrics["LogLoss"]));
    }

    [Fact]
    public void Every_line_is_JSON()
    {
        Write(Lines);
        Assert.All(File.ReadAllLines(LogPath), line => Assert.Equal(8, System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("sum").GetString()!.Length));
    }

    [Fact]
    public void An_event_is_in_the_file_when_Append_returns()
    {
        using var log = SearchLog.Open(_directory.Path);
        log.Append(Lines[0]);
        using var reader = new FileStream(LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Assert.Equal(SearchLog.Line(Lines[0]).Length, reader.Length);
    }

    [Fact]
    public void Cut_at_any_byte_the_file_holds_its_whole_lines_and_can_be_written_on()
    {
        Write(Lines);
        byte[] whole = File.ReadAllBytes(LogPath);
        for (int length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(LogPath, whole[..length]);
            int lines = whole[..length].Count(b => b == '\n');
            using (var log = SearchLog.Open(_directory.Path))
            {
                Assert.Equal(Lines.Take(lines).Select(Text), log.Events.Select(Text));
                if (length % 16 == 0)
                    log.Append(Lines[^1]);
            }
            if (length % 16 == 0)
            {
                using var again = SearchLog.Open(_directory.Path);
                Assert.Equal(Lines.Take(lines).Append(Lines[^1]).Select(Text), again.Events.Select(Text));
            }
        }
    }

    [Fact]
    public void A_whole_last_line_that_did_not_reach_the_disk_is_taken_off()
    {
        Write(Lines);
        byte[] whole = File.ReadAllBytes(LogPath);
        whole.AsSpan(whole.Length - 10, 9).Clear();
        File.WriteAllBytes(LogPath, whole);
        using var log = SearchLog.Open(_directory.Path);
        Assert.Equal(Lines.Length - 1, log.Events.Count);
    }

    [Fact]
    public void A_changed_byte_before_the_last_line_is_an_error_that_names_the_line()
    {
        Write(Lines);
        byte[] whole = File.ReadAllBytes(LogPath);
        int second = Array.IndexOf(whole, (byte)'\n') + 40;
        whole[second] ^= 1;
        File.WriteAllBytes(LogPath, whole);
        Assert.Contains("line 2", Assert.Throws<InvalidDataException>(() => SearchLog.Open(_directory.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_search_in_the_same_directory_is_refused()
    {
        using var log = SearchLog.Open(_directory.Path);
        Assert.Contains(_directory.Path, Assert.Throws<IOException>(() => SearchLog.Open(_directory.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_directory_is_free_again_afterwards()
    {
        SearchLog.Open(_directory.Path).Dispose();
        SearchLog.Open(_directory.Path).Dispose();
    }

    private void Write(IEnumerable<SearchEvent> lines)
    {
        using var log = SearchLog.Open(_directory.Path);
        foreach (var line in lines)
            log.Append(line);
    }

    private static string Text(SearchEvent line) => Encoding.UTF8.GetString(SearchLog.Line(line));
}
