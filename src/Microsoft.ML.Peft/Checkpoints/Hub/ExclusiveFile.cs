namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>Files that one writer has at a time, in this process and others: what is open is locked, and unlocked when a process ends, however it ends.</summary>
internal static class ExclusiveFile
{
    private const int LongestWait = 250;   // milliseconds
    private const int SharingViolation = unchecked((int)0x80070020);   // Windows
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;

    /// <summary>Opens a file for reading and writing, made if need be, as soon as no other has it open in this way.</summary>
    public static async Task<FileStream> OpenAsync(string path, CancellationToken cancellationToken)
    {
        for (int wait = 5; ; wait = Math.Min(2 * wait, LongestWait))
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.Asynchronous);
            }
            catch (IOException e) when (e.HResult is SharingViolation or LinuxWouldBlock or MacWouldBlock)
            {
                await Task.Delay(wait, cancellationToken);
            }
        }
    }
}
