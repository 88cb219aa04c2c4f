using System.Globalization;
using Microsoft.ML.Peft.Cli.Commands;
using Microsoft.ML.Peft.Cli.Output;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using var interruption = new Interruption();
return await PeftmlCommand.RunAsync(args, Terminal.OfConsole(), interruption.Token);
