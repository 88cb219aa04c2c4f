using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Benchmarks.Naive;

internal static class ReloadedAdapter
{
    /// <summary>A trained model's adapter for the same frozen model in another number format.</summary>
    public static Adapter Of(PeftModel trained, PretrainedModel backbone)
    {
        var directory = Directory.CreateTempSubdirectory("peftml-benchmark-");
        try
        {
            trained.Save(directory.FullName);
            return Adapter.Load(backbone, directory.FullName);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
