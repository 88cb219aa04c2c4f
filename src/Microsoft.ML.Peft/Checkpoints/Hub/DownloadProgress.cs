namespace Microsoft.ML.Peft;

/// <summary>How far a download from the Hugging Face hub has come. Reported about every MiB.</summary>
/// <param name="File">The file that is being downloaded, as its repository calls it, such as `model.safetensors`.</param>
/// <param name="Bytes">What is there of all the download's files, in bytes, with what an earlier attempt left. It falls where a file has to begin anew.</param>
/// <param name="TotalBytes">The size of all the download's files, in bytes.</param>
public sealed record DownloadProgress(string File, long Bytes, long TotalBytes);
