using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML.Tests.Support;

/// <summary>Trials on <see cref="Landscapes"/>: nothing is trained, but checkpoints and results are files, as they are of real ones.</summary>
internal sealed class SyntheticRunner : ITrialRunner
{
    public const double Offset = 10;
    public const long RefitBytes = 4321;
    public const double EpochSeconds = 0.125;
    public const double BaselineScore = Offset - 0.2;

    private readonly ConcurrentDictionary<int, int> _epochsTrained = new();
    private int _running;
    private int _mostRunning;

    /// <summary>Called before each epoch; may wait, or throw.</summary>
    public Action<TrialRequest, int, CancellationToken> BeforeEpoch { get; init; } = (_, _, _) => { };

    /// <summary>Called before the training on all rows; may wait, or throw.</summary>
    public Action<RefitRequest, CancellationToken> BeforeRefit { get; init; } = (_, _) => { };

    public Action BeforeBaseline { get; init; } = () => { };

    /// <summary>Epochs trained by this runner, by trial: repeated ones count again.</summary>
    public IReadOnlyDictionary<int, int> EpochsTrained => _epochsTrained;

    public int MostRunning => _mostRunning;

    public TrialReport RunBaseline(string model, CancellationToken cancellationToken)
    {
        BeforeBaseline();
        return new TrialReport(0, Metrics(BaselineScore), 0.25, 0, 0.5);
    }

    public TrialReport Run(TrialRequest request, Action<PeftEpoch> epochDone, CancellationToken cancellationToken)
    {
        int running = Interlocked.Increment(ref _running);
        InterlockedMax(ref _mostRunning, running);
        try
        {
            return Train(request, epochDone, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public long Refit(RefitRequest request, CancellationToken cancellationToken)
    {
        BeforeRefit(request, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        Write(Path.Combine(request.ResultDirectory, TrialRequest.AdapterName, "values"), $"all rows, {request.Configuration.Key}");
        return RefitBytes;
    }

    private TrialReport Train(TrialRequest request, Action<PeftEpoch> epochDone, CancellationToken cancellationToken)
    {
        string checkpoint = Path.Combine(request.CheckpointDirectory, "epochs");
        int done = File.Exists(checkpoint) ? int.Parse(File.ReadAllText(checkpoint), CultureInfo.InvariantCulture) : 0;
        if (done > request.Epochs)
            done = 0;   // of an earlier course of events that went further
        for (int epoch = 1; epoch <= request.Epochs; epoch++)
        {
            if (epoch > done)
            {
                BeforeEpoch(request, epoch, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                _epochsTrained.AddOrUpdate(request.Id, 1, (_, count) => count + 1);
                Write(checkpoint, epoch.ToString(CultureInfo.InvariantCulture));
            }
            epochDone(new PeftEpoch(epoch, 1.0 / epoch, Score(request, epoch), EpochSeconds));
        }
        Write(Path.Combine(request.ResultDirectory, TrialRequest.AdapterName, "values"), request.Configuration.Key);
        return new TrialReport(request.Epochs, Metrics(Score(request, request.Epochs)), EpochSeconds * request.Epochs, 1000 * (1 + request.Configuration.Key.Length % 7), 0.5);
    }

    private static double Score(TrialRequest request, int epoch) => Offset + Landscapes.Score(request.Configuration, epoch, request.MaxEpochs);

    private static Dictionary<string, double> Metrics(double score) => new() { ["Accuracy"] = score, ["LogLoss"] = -score };

    private static void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path + ".partial", content);
        File.Move(path + ".partial", path, overwrite: true);
    }

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value)
            Interlocked.CompareExchange(ref target, value, seen);
    }
}
