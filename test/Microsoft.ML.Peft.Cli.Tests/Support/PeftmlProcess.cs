using System.Diagnostics;
using System.Text;

namespace Microsoft.ML.Peft.Cli.Tests.Support;

/// <summary>The program as a process of its own, with redirected streams.</summary>
internal sealed class PeftmlProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly StringBuilder _error = new();
    private readonly Task<string> _output;

    private PeftmlProcess(string file, string[] args, IReadOnlyDictionary<string, string>? variables = null, string folder = "")
    {
        var start = new ProcessStartInfo(file, args) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        // Processes that share their cores with others crawl where libtorch's threads wait by spinning.
        start.Environment["OMP_WAIT_POLICY"] = "passive";
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _process.StandardInput.Close();
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_error)
                _error.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
        _output = _process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>The program beside the tests.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "peftml.exe" : "peftml");

    public string Error
    {
        get
        {
            lock (_error)
                return _error.ToString();
        }
    }

    public static PeftmlProcess Start(params string[] args) => new(Program, args);

    /// <summary>Starts another program in a folder.</summary>
    public static PeftmlProcess StartIn(string folder, string file, params string[] args) => new(file, args, folder: folder);

    /// <summary>Runs another program to its end, with peftml in its path.</summary>
    public static Task<CommandResult> RunAsync(string file, string[] args, params (string Name, string Value)[] variables)
    {
        var environment = variables.ToDictionary(variable => variable.Name, variable => variable.Value);
        environment["PATH"] = $"{AppContext.BaseDirectory}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}";
        return new PeftmlProcess(file, args, environment).EndAsync();
    }

    public async Task WaitForErrorAsync(string text)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!Error.Contains(text, StringComparison.Ordinal))
        {
            Assert.False(_process.HasExited, $"ended with {(_process.HasExited ? _process.ExitCode : 0)}: {Error}");
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>What Ctrl-C does.</summary>
    public async Task InterruptAsync()
    {
        using var kill = Process.Start("kill", ["-INT", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    public async Task<CommandResult> EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return new CommandResult(_process.ExitCode, await _output, Error);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
