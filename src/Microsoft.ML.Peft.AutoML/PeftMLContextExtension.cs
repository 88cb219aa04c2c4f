using Microsoft.ML.Peft.AutoML;

namespace Microsoft.ML;

/// <summary>The front door to searches for soft prompts.</summary>
public static class PeftMLContextExtension
{
    /// <summary>Searches for soft prompts.</summary>
    /// <param name="mlContext">The context, whose seed, log and GPU settings hold for the searches.</param>
    public static PeftAutoCatalog Peft(this MLContext mlContext)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        return new PeftAutoCatalog(mlContext);
    }
}
