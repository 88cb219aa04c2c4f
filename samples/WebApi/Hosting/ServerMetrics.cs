using System.Diagnostics.Metrics;

namespace WebApi.Hosting;

/// <summary>What the server counts and measures, as the Meter <see cref="Name"/>.</summary>
internal sealed class ServerMetrics
{
    public const string Name = "PeftMl.WebApi";

    private readonly UpDownCounter<int> _waiting, _writing, _adapters;
    private readonly Histogram<int> _batchRows;
    private readonly Histogram<double> _batchSeconds, _classifySeconds, _firstPieceSeconds;
    private readonly Counter<long> _rejected, _tokens;

    public ServerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        double[] seconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
        _waiting = meter.CreateUpDownCounter<int>("peft.classification.waiting", "{request}", "Requests for classification that wait.");
        _batchRows = meter.CreateHistogram("peft.classification.batch.rows", "{row}", "Rows of a batch.", advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128] });
        _batchSeconds = meter.CreateHistogram("peft.classification.batch.duration", "s", "The time that a batch takes.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = seconds });
        _classifySeconds = meter.CreateHistogram("peft.classification.duration", "s", "The time from a request's arrival in the queue to its result.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = seconds });
        _rejected = meter.CreateCounter<long>("peft.rejected", "{request}", "Requests that were rejected because too many wait.");
        _writing = meter.CreateUpDownCounter<int>("peft.generation.active", "{text}", "Texts that are being written.");
        _firstPieceSeconds = meter.CreateHistogram("peft.generation.first_piece.duration", "s", "The time to the first piece of a text.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = seconds });
        _tokens = meter.CreateCounter<long>("peft.generation.tokens", "{token}", "Tokens that were written.");
        _adapters = meter.CreateUpDownCounter<int>("peft.adapters", "{adapter}", "Adapters that are served.");
    }

    public void Waiting(int change) => _waiting.Add(change);

    public void Batch(int rows, TimeSpan duration)
    {
        _batchRows.Record(rows);
        _batchSeconds.Record(duration.TotalSeconds);
    }

    public void Classified(TimeSpan duration) => _classifySeconds.Record(duration.TotalSeconds);

    public void Rejected(string operation) => _rejected.Add(1, new KeyValuePair<string, object?>("operation", operation));

    public void Writing(int change) => _writing.Add(change);

    public void FirstPiece(TimeSpan duration) => _firstPieceSeconds.Record(duration.TotalSeconds);

    public void Written(long tokens) => _tokens.Add(tokens);

    public void Adapters(int change) => _adapters.Add(change);
}
