namespace Samples;

/// <summary>What a program says with its exit code.</summary>
internal static class ExitCode
{
    /// <summary>Runs a program: 0, or 1 after an error that its user can mend, or 130 if it was cancelled.</summary>
    public static int Of(Action program)
    {
        try
        {
            program();
            return 0;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("Cancelled.");
            return 130;
        }
        catch (Exception e) when (e is ArgumentException or IOException or InvalidDataException or InvalidOperationException or NotSupportedException or TimeoutException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"Error: {e.Message}");
            return 1;
        }
    }
}
