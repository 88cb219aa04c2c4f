using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;
using Microsoft.ML.Peft;
using Microsoft.ML.Peft.Benchmarks;

// TorchSharp may be called before the library is, whose module initializer helps its native part to load on older systems.
RuntimeHelpers.RunModuleConstructor(typeof(PretrainedModel).Module.ModuleHandle);
var parsed = new Commands().Root().Parse(args);
if (parsed.Action is ParseErrorAction)
{
    Console.Error.WriteLine(parsed.Errors[0].Message);
    return 1;
}
try
{
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is ArgumentException or IOException or InvalidDataException or NotSupportedException or InvalidOperationException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
