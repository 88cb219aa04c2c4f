namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Where an interrupted training is kept. The library writes and removes its file; the directory is this program's.</summary>
internal sealed class CheckpointDirectory(string path)
{
    private const string FilePattern = "training_checkpoint.safetensors*";

    public string Path => path;

    /// <summary>Whether there is a training to go on with.</summary>
    public bool Exists => Directory.Exists(path) && Directory.EnumerateFiles(path, FilePattern).Any();

    /// <summary>Makes the directory, so that a place that cannot be written is told before the first epoch.</summary>
    public void Prepare()
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The directory '{path}' for interrupted trainings cannot be made ({e.Message.TrimEnd('.')}); choose another one with --checkpoint.", e);
        }
    }

    public void Forget()
    {
        if (Directory.Exists(path))
        {
            foreach (string file in Directory.GetFiles(path, FilePattern))
                File.Delete(file);
        }
    }

    public void RemoveIfEmpty()
    {
        if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
            Directory.Delete(path);
    }
}
