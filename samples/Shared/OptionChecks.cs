using System.CommandLine.Parsing;

namespace Samples;

/// <summary>Validators of command-line options. A wrong value is better told before the training than after it.</summary>
internal static class OptionChecks
{
    public static void AtLeastOne(OptionResult result)
    {
        if (result.Tokens is [var token] && int.TryParse(token.Value, out int value) && value < 1)
            result.AddError($"{result.Option.Name} is {value}; it must be at least 1.");
    }

    public static void InExistingDirectory(OptionResult result)
    {
        if (result.GetValueOrDefault<FileInfo?>() is { Directory.Exists: false } file)
            result.AddError($"The directory '{file.DirectoryName}' of {result.Option.Name} does not exist.");
    }
}
