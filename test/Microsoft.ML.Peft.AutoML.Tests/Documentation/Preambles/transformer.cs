// What a fragment marked "compiled with: transformer" may use besides its own names.
global using Microsoft.ML;
global using Microsoft.ML.Peft;
global using static Documentation.Fitted;

namespace Documentation;

internal static class Fitted
{
    private static readonly MLContext Context = new(seed: 1);
    public static readonly SoftPromptTransformer transformer = Context.Transforms.PrefixTuning().Fit(Context.Data.LoadFromTextFile("tickets.tsv"));
}
