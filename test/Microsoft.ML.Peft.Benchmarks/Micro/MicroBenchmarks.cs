using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Microsoft.ML.Peft.Benchmarks.Micro;

/// <summary>Runs the micro benchmarks of this folder.</summary>
internal static class MicroBenchmarks
{
    /// <param name="arguments">BenchmarkDotNet's own, such as `--filter *Attention*`.</param>
    public static void Run(string[] arguments)
    {
        // In this process: a generated program would need its own copy of libtorch, and would not know the number of threads.
        var job = Job.Default.WithToolchain(new InProcessEmitToolchain(logOutput: false)).AsMutator();
        BenchmarkSwitcher.FromAssembly(typeof(MicroBenchmarks).Assembly).Run(arguments, DefaultConfig.Instance.AddJob(job));
    }
}
