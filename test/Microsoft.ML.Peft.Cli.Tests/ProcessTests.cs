namespace Microsoft.ML.Peft.Cli.Tests;

/// <summary>What only a process of its own shows: signals, redirected streams, shells, and what a start loads.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [SkippableFact]
    public async Task Control_C_saves_a_checkpoint_and_says_how_to_go_on()
    {
        Skip.If(OperatingSystem.IsWindows());
        string data = TicketFiles.Csv(_directory), model = _directory.File("m.zip");
        string[] arguments = ["train", data, "-o", model, "--model", Tickets.TinyModel, "--virtual-tokens", "4", "--precision", "float32", "--max-epochs", "100000", "--patience", "100000"];
        using var training = PeftmlProcess.Start(arguments);
        await training.WaitForErrorAsync("Epoch 3/");
        await training.InterruptAsync();
        var ended = await training.EndAsync();
        Assert.Equal(130, ended.ExitCode);
        Assert.Contains("Interrupted. The finished epochs are saved in", ended.Error);
        Assert.Equal("", ended.Output);
        Assert.False(File.Exists(model));

        using var resumed = PeftmlProcess.Start(arguments);
        await resumed.WaitForErrorAsync("Training goes on after epoch ");
    }

    [Fact]
    public async Task Redirected_output_holds_results_alone_without_colours_or_bars()
    {
        string data = TicketFiles.Csv(_directory), model = _directory.File("m.zip");
        using var training = PeftmlProcess.Start(["train", data, "-o", model, .. TicketFiles.Quick]);
        var trained = (await training.EndAsync()).Succeeds();
        Assert.DoesNotContain('\e', trained.Output + trained.Error);
        Assert.Equal(2, trained.Lines.Length);
        Assert.Contains("Epoch 2/2", trained.Error);
        using var predicting = PeftmlProcess.Start("predict", model, data);
        Assert.Equal(49, (await predicting.EndAsync()).Succeeds().Lines.Length);
    }

    [SkippableFact]
    public async Task A_terminal_sees_a_progress_bar_that_vanishes()
    {
        Skip.If(!File.Exists("/usr/bin/script"));
        string data = TicketFiles.Csv(_directory), model = _directory.File("m.zip");
        string command = $"{PeftmlProcess.Program} train {data} -o {model} {string.Join(' ', TicketFiles.Quick)}";
        var seen = await PeftmlProcess.RunAsync("/usr/bin/script", ["-qec", command, "/dev/null"], ("TERM", "xterm-256color"));
        Assert.Equal(0, seen.ExitCode);
        Assert.Contains("\e[2K", seen.Output);      // lines of the bar are erased
        Assert.Contains("Saved", seen.Output);
    }

    [SkippableFact]
    public async Task Bash_completes_commands_options_and_values()
    {
        Skip.If(!File.Exists("/bin/bash"));
        async Task<string[]> CompleteAsync(string line)
        {
            string words = string.Join(' ', line.Split(' ').Select(word => $"'{word}'"));
            string script = $"source <(peftml completion bash); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMP_LINE='{line}'; COMP_POINT={line.Length}; _peftml; printf '%s\\n' \"${{COMPREPLY[@]}}\"";
            return (await PeftmlProcess.RunAsync("/bin/bash", ["-c", script])).Succeeds().Lines;
        }
        Assert.Equal(["train"], await CompleteAsync("peftml tr"));
        Assert.Equal(["--virtual-tokens"], await CompleteAsync("peftml train --virt"));
        Assert.Equal(["prefix", "prefix-projected"], (await CompleteAsync("peftml train --method pref")).Order());
        Assert.Equal(["--help", "--json", "--quiet", "-h", "-q", "download", "list", "remove", "where"], (await CompleteAsync("peftml models ")).Order(StringComparer.Ordinal));
    }

    [SkippableFact]
    public async Task Zsh_completes_commands_and_values_and_else_files()
    {
        Skip.IfNot(File.Exists("/usr/bin/zsh"));
        async Task<string[]> CompleteAsync(string line)
        {
            // What zsh's completion system would be asked to show.
            string shell = "compdef() {}; compadd() { shift; (( $# )) && print -l -- $@ }; _files() { print FILES }";
            return (await PeftmlProcess.RunAsync("/usr/bin/zsh", ["-f", "-c", $"{shell}; source <(peftml completion zsh); BUFFER='{line}' CURSOR={line.Length}; _peftml"])).Succeeds().Lines;
        }
        Assert.Equal(["train"], await CompleteAsync("peftml tr"));
        Assert.Equal(["prefix", "prefix-projected"], (await CompleteAsync("peftml train --method pref")).Order());
        Assert.Equal(["FILES"], await CompleteAsync("peftml train ./tick"));
    }

    [SkippableFact]
    public async Task Fish_completes_commands_and_values_and_else_files()
    {
        Skip.IfNot(File.Exists("/usr/bin/fish"));
        async Task<string[]> CompleteAsync(string line) =>
            (await PeftmlProcess.RunAsync("/usr/bin/fish", ["--no-config", "-c", $"peftml completion fish | source; complete -C '{line}'"])).Succeeds().Lines;
        Assert.Equal(["train"], await CompleteAsync("peftml tr"));
        Assert.Equal(["prefix", "prefix-projected"], (await CompleteAsync("peftml train --method pref")).Order());
        string data = TicketFiles.Csv(_directory);
        Assert.Equal([data], await CompleteAsync($"peftml train {data[..^3]}"));
    }

    [SkippableFact]
    public async Task PowerShell_completes_commands_and_values()
    {
        Skip.IfNot(File.Exists("/usr/bin/pwsh"));
        async Task<string[]> CompleteAsync(string line) =>
            (await PeftmlProcess.RunAsync("/usr/bin/pwsh", ["-NoProfile", "-Command", $"peftml completion pwsh | Out-String | Invoke-Expression; (TabExpansion2 '{line}' {line.Length}).CompletionMatches.CompletionText"])).Succeeds().Lines;
        Assert.Equal(["train"], await CompleteAsync("peftml tr"));
        Assert.Equal(["prefix", "prefix-projected"], (await CompleteAsync("peftml train --method pref")).Order());
    }

    [SkippableFact]
    public async Task Help_does_not_load_the_native_library()
    {
        Skip.IfNot(OperatingSystem.IsLinux());
        var help = (await PeftmlProcess.RunAsync(PeftmlProcess.Program, ["train", "--help"], ("LD_DEBUG", "files"))).Succeeds();
        Assert.Contains("libcoreclr", help.Error);
        Assert.DoesNotContain("libtorch", help.Error, StringComparison.OrdinalIgnoreCase);
    }

    public void Dispose() => _directory.Dispose();
}
