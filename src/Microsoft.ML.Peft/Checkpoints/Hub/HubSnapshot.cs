namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>A model or adapter that is whole in the cache.</summary>
/// <param name="Id">Where it comes from, with the commit as its revision: it names the same files for ever.</param>
/// <param name="Path">The directory, or the GGUF file.</param>
internal sealed record HubSnapshot(HubId Id, string Path);
