using System.CommandLine;
using System.CommandLine.Invocation;
using Microsoft.ML.Peft;
using Microsoft.ML.Peft.Benchmarks;

StartUpBenchmark.FirstLine = DateTime.Now;
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
