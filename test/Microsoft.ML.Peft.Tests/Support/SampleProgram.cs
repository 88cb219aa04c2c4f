using System.Diagnostics;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A program of the folder samples, built beside the tests and run as a user runs it.</summary>
internal static class SampleProgram
{
    public static (int ExitCode, string Output, string Error) Run(string sample, params string[] arguments)
    {
        using var process = Start(sample, arguments);
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    public static Process Start(string sample, params string[] arguments)
    {
        string tests = Path.Combine("test", typeof(SampleProgram).Assembly.GetName().Name!);
        string folder = AppContext.BaseDirectory.Replace(tests, Path.Combine("samples", sample), StringComparison.Ordinal);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, sample + ".dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }

    /// <summary>Asserts that all parts appear, one after another.</summary>
    public static void AssertInOrder(string output, params string[] parts)
    {
        int at = 0;
        foreach (string part in parts)
        {
            int found = output.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{part}' is missing or out of order in:\n{output}");
            at = found;
        }
    }
}
