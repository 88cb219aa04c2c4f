// What a fragment marked "compiled with: backbone" may use besides its own names.
global using Microsoft.ML.Peft;
global using static Documentation.Loaded;

namespace Documentation;

internal static class Loaded
{
    public static readonly PretrainedModel backbone = PretrainedModel.Load();
}
