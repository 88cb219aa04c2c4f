using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Lets tests call TorchSharp before they touch the library, whose module initializer would come too late then.</summary>
internal static class NativeLibraries
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Any test may be the first to call TorchSharp.")]
    internal static void Register() => RuntimeHelpers.RunModuleConstructor(typeof(Peft.Native.LibTorch).Module.ModuleHandle);
}
