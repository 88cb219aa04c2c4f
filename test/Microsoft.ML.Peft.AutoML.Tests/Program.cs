using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests;

/// <summary>A search in a process of its own, in the directory given, which <see cref="ResumeTests"/> kills.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        try
        {
            var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => Thread.Sleep(5) };
            SyntheticSearch.Run(SyntheticSearch.Plan(args[0]) with { MaxTrials = 30 }, runner: runner);
            return 0;
        }
        catch (IOException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
