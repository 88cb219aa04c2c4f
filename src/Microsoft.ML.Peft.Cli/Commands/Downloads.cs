using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Models that may have to be downloaded first, which is shown.</summary>
internal static class Downloads
{
    /// <summary>A frozen model by path, name, or id on the Hugging Face hub.</summary>
    public static PretrainedModel Load(Terminal terminal, string model, CancellationToken cancellation) =>
        IsOnHub(model) ? Run(terminal, model, progress => PretrainedModel.FromHubAsync(model, progress, cancellation)) : PretrainedModel.Load(model);

    /// <summary>Whether a model is no path and no name here, but may be one of the hub.</summary>
    public static bool IsOnHub(string model) => model.Contains('/') && !Path.Exists(model) && !Path.IsPathRooted(model) && !model.StartsWith('.');

    public static T Run<T>(Terminal terminal, string model, Func<IProgress<DownloadProgress>, Task<T>> download) => ProgressBar.Run(
        terminal, $"Looking for {model}", bar => download(new Display(bar)).GetAwaiter().GetResult());

    private sealed class Display(ProgressBar bar) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => bar.Set(
            value.TotalBytes == 0 ? 1 : (double)value.Bytes / value.TotalBytes, $"Downloading {value.File}, {Figures.Bytes(value.Bytes)} of {Figures.Bytes(value.TotalBytes)}");
    }
}
