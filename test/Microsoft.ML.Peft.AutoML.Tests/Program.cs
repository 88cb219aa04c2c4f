using Microsoft.ML.Peft.AutoML.Tests.Support;

namespace Microsoft.ML.Peft.AutoML.Tests;

/// <summary>A search in a process of its own, which <see cref="ResumeTests"/> kills: `synthetic` or `real`, and its directory.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        try
        {
            if (args[0] == "real")
                RealSearch.Create(args[1]).Run();
            else
                RunSynthetic(args[1]);
            return 0;
        }
        catch (IOException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static void RunSynthetic(string directory)
    {
        var runner = new SyntheticRunner { BeforeEpoch = (_, _, _) => Thread.Sleep(5) };
        SyntheticSearch.Run(SyntheticSearch.Plan(directory) with { MaxTrials = 30 }, runner: runner);
    }
}
