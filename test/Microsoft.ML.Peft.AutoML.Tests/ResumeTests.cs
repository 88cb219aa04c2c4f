using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using Microsoft.ML.Peft.AutoML.Tests.Support;
using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML.Tests;

/// <summary>An interrupted search goes on as if nothing had happened.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    private SearchPlan Plan(string name) => SyntheticSearch.Plan(_directory.File(name)) with { MaxTrials = 4 };

    [Theory]
    [InlineData("random")]
    [InlineData("ASHA")]
    [InlineData("BOHB")]
    public void Cut_after_any_byte_of_the_log_the_search_ends_with_the_same_result(string tuner)
    {
        string whole = SyntheticSearch.Describe(SyntheticSearch.Run(Plan("whole"), tuner));
        byte[] log = File.ReadAllBytes(Path.Combine(_directory.File("whole"), SearchLog.FileName));
        // What a cut leaves is its whole lines, which a test of the log shows for every byte; so every line is cut once, at a byte of its own.
        int start = 0;
        for (int line = 0; start < log.Length; line++)
        {
            int end = Array.IndexOf(log, (byte)'\n', start) + 1;
            Assert.Equal(whole, Resumed($"{tuner}-{line}", tuner, log.AsSpan(0, start + line * 7 % (end - start)), files: line % 2 == 0));
            start = end;
        }
        Assert.Equal(whole, Resumed($"{tuner}-end", tuner, log, files: true));
    }

    [Fact]
    public void A_finished_search_that_is_run_again_gives_its_result_without_training()
    {
        var runner = new SyntheticRunner();
        string first = SyntheticSearch.Describe(SyntheticSearch.Run(Plan("again")));
        Assert.Equal(first, SyntheticSearch.Describe(SyntheticSearch.Run(Plan("again"), runner: runner)));
        Assert.Empty(runner.EpochsTrained);
    }

    [Fact]
    public void A_finished_search_goes_on_with_a_larger_budget()
    {
        string twelve = SyntheticSearch.Describe(SyntheticSearch.Run(Plan("at once") with { MaxTrials = 12 }, "TPE"));
        SyntheticSearch.Run(Plan("bit by bit"), "TPE");
        Assert.Equal(twelve, SyntheticSearch.Describe(SyntheticSearch.Run(Plan("bit by bit") with { MaxTrials = 12 }, "TPE")));
    }

    [Fact]
    public void A_killed_process_leaves_a_search_that_goes_on_to_the_same_result()
    {
        var plan = SyntheticSearch.Plan(_directory.File("killed")) with { MaxTrials = 30 };
        string whole = SyntheticSearch.Describe(SyntheticSearch.Run(plan with { Directory = _directory.File("whole") }));
        var random = new Random(1);
        int killed = 0;
        for (int run = 0; run < 6; run++)
        {
            using var process = Start("synthetic", plan.Directory);
            if (!process.WaitForExit(150 + random.Next(400)))
            {
                process.Kill();
                killed++;
            }
            process.WaitForExit();
        }
        Assert.True(killed >= 3, $"Only {killed} of 6 processes were still at work when they were to be killed.");
        Assert.Equal(whole, SyntheticSearch.Describe(SyntheticSearch.Run(plan)));
    }

    [Fact]
    public async Task A_search_of_real_trainings_that_was_killed_goes_on_to_the_same_bits()
    {
        var whole = RealSearch.Create(_directory.File("whole"));
        await whole.RunAsync();
        int lines = Lines(Path.Combine(_directory.File("whole"), SearchLog.FileName));
        string log = Path.Combine(_directory.File("killed"), SearchLog.FileName);
        Directory.CreateDirectory(_directory.File("killed"));
        var random = new Random(1);
        int killed = 0;
        for (int part = 1; part <= 4; part++)
        {
            // At any moment of a sixth of the search: while an epoch is trained, a checkpoint or a line of the log is written.
            int until = lines * part / 6 + random.Next(lines / 6);
            using var process = Start("real", _directory.File("killed"));
            while (!process.HasExited && Lines(log) < until)
                await Task.Delay(1);
            await Task.Delay(random.Next(20));
            killed += process.HasExited ? 0 : 1;
            process.Kill();
            await process.WaitForExitAsync();
        }
        Assert.True(killed >= 2, $"Only {killed} of 4 processes were still at work when they were to be killed.");
        var last = RealSearch.Create(_directory.File("killed"));
        await last.RunAsync();
        Assert.Equal(SyntheticSearch.Describe(whole.Result!), SyntheticSearch.Describe(last.Result!));
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Result!.Best!.AdapterPath!, "adapter_model.safetensors")), File.ReadAllBytes(Path.Combine(last.Result!.Best!.AdapterPath!, "adapter_model.safetensors")));
    }

    [Fact]
    public void A_second_process_on_the_same_directory_gets_a_clear_error()
    {
        using var search = Search.Open(Plan("shared"), SyntheticSearch.Tuner("ASHA"), new SyntheticRunner(), [], TimeProvider.System);
        using var process = Start("synthetic", _directory.File("shared"));
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains("uses the directory", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_time_used_before_counts()
    {
        var time = new FakeTimeProvider();
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => time.Advance(TimeSpan.FromSeconds(1)) };
        var plan = Plan("timed") with { MaxTrials = null };
        SyntheticSearch.Run(plan with { MaxTime = TimeSpan.FromSeconds(30) }, "random", runner, time: time);
        int trials = runner.EpochsTrained.Count;
        time.Advance(TimeSpan.FromHours(1));    // between the runs no time is used
        var result = SyntheticSearch.Run(plan with { MaxTime = TimeSpan.FromSeconds(50) }, "random", runner, time: time);
        Assert.InRange(result.Duration.TotalSeconds, 45, 51);
        Assert.Equal(2, runner.EpochsTrained.Count - trials);
    }

    [Fact]
    public void Monitors_are_told_again_what_happened_before()
    {
        var first = new Events();
        SyntheticSearch.Run(Plan("replay"), monitor: first);
        var second = new Events();
        SyntheticSearch.Run(Plan("replay") with { MaxTrials = 6 }, monitor: second);
        var before = second.All.TakeWhile(e => e.IsReplay).ToList();
        Assert.Equal(first.All.Count - 1, before.Count);
        Assert.Equal(first.All.Take(before.Count).Select(e => e.GetType()), before.Select(e => e.GetType()));
        Assert.All(second.All.Skip(before.Count), e => Assert.False(e.IsReplay));
    }

    [Fact]
    public void Another_search_in_the_same_directory_is_refused_with_what_differs()
    {
        SyntheticSearch.Run(Plan("mine"));
        Assert.Contains("its tuner was", Assert.Throws<ArgumentException>(() => SyntheticSearch.Run(Plan("mine"), "random")).Message, StringComparison.Ordinal);
        Assert.Contains("its seed was '7', and is now '8'", Assert.Throws<ArgumentException>(() => SyntheticSearch.Run(Plan("mine") with { Seed = 8 })).Message, StringComparison.Ordinal);
        Assert.Contains("its data was", Assert.Throws<ArgumentException>(() => SyntheticSearch.Run(Plan("mine") with { DataFingerprint = "x" })).Message, StringComparison.Ordinal);
        Assert.Contains("its methods was", Assert.Throws<ArgumentException>(() => SyntheticSearch.Run(Plan("mine") with { Spaces = Landscapes.One })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_does_not_fit_together_is_an_error_that_names_the_line()
    {
        SyntheticSearch.Run(Plan("mixed"));
        string path = Path.Combine(_directory.File("mixed"), SearchLog.FileName);
        string[] lines = File.ReadAllLines(path);
        File.WriteAllLines(path, lines.Take(4).Append(lines[3]).Concat(lines.Skip(4)));
        Assert.Contains("line 5", Assert.Throws<InvalidDataException>(() => SyntheticSearch.Run(Plan("mixed"))).Message, StringComparison.Ordinal);
    }

    /// <param name="name">Of the directory.</param>
    /// <param name="tuner">The tuner.</param>
    /// <param name="log">What is left of the log.</param>
    /// <param name="files">Whether the trials' files are there, and so further than the log; or none at all of running trials.</param>
    private string Resumed(string name, string tuner, ReadOnlySpan<byte> log, bool files)
    {
        string directory = _directory.File(name);
        Directory.CreateDirectory(directory);
        if (files)
            Copy(_directory.File("whole"), directory);
        else
            Rebuild(directory, tuner, log);
        File.WriteAllBytes(Path.Combine(directory, SearchLog.FileName), log);
        return SyntheticSearch.Describe(SyntheticSearch.Run(Plan(name), tuner));
    }

    /// <summary>Runs a search and stops it dead where the log was cut: files and log are then those of a kill at this place.</summary>
    private void Rebuild(string directory, string tuner, ReadOnlySpan<byte> log)
    {
        int lines = log.Count((byte)'\n');
        string path = Path.Combine(directory, SearchLog.FileName);
        var monitor = new Events { OnEvent = _ => { if (Lines(path) >= lines) throw new InvalidOperationException("Stop."); } };
        try
        {
            SyntheticSearch.Run(Plan(Path.GetFileName(directory)), tuner, monitor: monitor);
        }
        catch (InvalidOperationException e) when (e.Message == "Stop.")
        {
        }
    }

    private static int Lines(string path)
    {
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Count(c => c == '\n');
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }

    private static Process Start(string search, string directory)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) || Environment.ProcessPath.EndsWith("dotnet.exe", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet")
        {
            ArgumentList = { typeof(ResumeTests).Assembly.Location, search, directory },
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }
}
