using Microsoft.ML.Runtime;

namespace Microsoft.ML.Peft.Estimators;

/// <summary>Reports the download of a model as messages on the component's channel, one for each file and tenth.</summary>
internal sealed class DownloadReport(string? model, IChannel channel, Action checkCancelled) : IProgress<DownloadProgress>
{
    private string? _file;
    private long _tenth = -1;

    public void Report(DownloadProgress value)
    {
        checkCancelled();
        long tenth = value.TotalBytes == 0 ? 10 : 10 * value.Bytes / value.TotalBytes;
        if (value.File == _file && tenth <= _tenth)
            return;
        (_file, _tenth) = (value.File, tenth);
        channel.Info(MessageSensitivity.None, $"Downloading {value.File} of {model}: {10 * tenth} % of {value.TotalBytes} bytes");
    }
}
