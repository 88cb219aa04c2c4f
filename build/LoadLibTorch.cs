using System.Runtime.CompilerServices;

namespace Microsoft.ML.Peft;

/// <summary>
/// Compiled into programs that import TorchBackend.targets: readies the loading of libtorch before the program's first line, so that
/// it may call TorchSharp itself before anything of Microsoft.ML.Peft.
/// </summary>
internal static class LoadLibTorch
{
    [ModuleInitializer]
    internal static void Register() => RuntimeHelpers.RunModuleConstructor(typeof(PeftModel).Module.ModuleHandle);
}
