namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>A search with real trainings of a small model, the same in every process.</summary>
internal static class RealSearch
{
    public static PeftExperiment Create(string directory)
    {
        var mlContext = new MLContext(seed: 1);
        var rows = Tickets.Keyed(mlContext, 72);
        return mlContext.Peft().CreateExperiment()
            .AddMethod(PeftSweep.PrefixTuning(new PrefixTuningOptions { Model = Tickets.TinyModel }).WithRange(o => o.VirtualTokens, 2, 8))
            .AddMethod(PeftSweep.PromptTuning(new PromptTuningOptions { Model = Tickets.TinyModel }).WithRange(o => o.VirtualTokens, 2, 8))
            .SetDataset(mlContext.Data.SkipRows(rows, 24), mlContext.Data.TakeRows(rows, 24))
            .SetBohbTuner().SetMaxEpochs(9).SetMaxModelToExplore(8).SetSeed(3).SetCheckpoint(directory);
    }
}
