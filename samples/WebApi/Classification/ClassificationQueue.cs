using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using WebApi.Adapters;
using WebApi.Hosting;

namespace WebApi.Classification;

/// <summary>
/// Where requests for classification meet. One thread takes what has come, up to a number of rows or for a few milliseconds, and has it
/// classified in one batch, whatever the adapters. A single thread, as libtorch has its own threads for each that calls it.
/// </summary>
internal sealed class ClassificationQueue : IHostedService
{
    private readonly Channel<Waiting> _waiting;
    private readonly ServedModel _model;
    private readonly ServerMetrics _metrics;
    private readonly int _maxRows;
    private readonly TimeSpan _delay;
    private readonly Thread _thread;
    private Task<bool>? _readable;

    public ClassificationQueue(AdapterStore adapters, IOptions<Settings> settings, ServerMetrics metrics)
    {
        (_model, _metrics) = (adapters.Encoder, metrics);
        (_maxRows, _delay) = (settings.Value.MaxBatchRows, TimeSpan.FromMilliseconds(settings.Value.MaxBatchRows == 1 ? 0 : settings.Value.BatchDelay));
        _waiting = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(settings.Value.MaxWaitingRequests) { SingleReader = true });
        _thread = new Thread(Work) { IsBackground = true, Name = "Classification" };
    }

    /// <summary>Whether requests are taken and answered.</summary>
    public bool IsRunning => _thread.IsAlive && !_waiting.Reader.Completion.IsCompleted;

    /// <summary>Classifies the texts of one request.</summary>
    /// <returns>The adapter that the name stood for, and for each text a probability per label of it.</returns>
    /// <exception cref="RequestException">Too many requests wait, or there is no adapter of that name.</exception>
    public async Task<(ServedAdapter Adapter, IReadOnlyList<float[]> Probabilities)> ClassifyAsync(string adapter, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        if (!_model.Adapters.ContainsKey(adapter))
            throw AdapterStore.NotFound(adapter, _model.Adapters.Values);
        var request = new Waiting(adapter, texts, cancellationToken);
        if (!_waiting.Writer.TryWrite(request))
        {
            _metrics.Rejected("classify");
            throw new RequestException(StatusCodes.Status429TooManyRequests, "Too many requests wait; send this one again later.") { RetryAfter = 1 };
        }
        _metrics.Waiting(1);
        long start = Stopwatch.GetTimestamp();
        var result = await request.Result.Task.WaitAsync(cancellationToken);
        _metrics.Classified(Stopwatch.GetElapsedTime(start));
        return result;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread.Start();
        return Task.CompletedTask;
    }

    /// <summary>Ends when what waits is classified; the server takes no requests any more by then.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        await Task.Run(_thread.Join, CancellationToken.None).WaitAsync(cancellationToken);
    }

    private void Work()
    {
        while (Readable().GetAwaiter().GetResult())
        {
            var batch = Collect();
            if (batch.Count == 0)
                continue;
            long start = Stopwatch.GetTimestamp();
            Classify(batch);
            _metrics.Batch(batch.Sum(request => request.Texts.Count), Stopwatch.GetElapsedTime(start));
        }
    }

    private List<Waiting> Collect()
    {
        var batch = new List<Waiting>();
        int rows = 0;
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            while (_waiting.Reader.TryPeek(out var next) && (rows == 0 || rows + next.Texts.Count <= _maxRows))
            {
                _waiting.Reader.TryRead(out _);
                _metrics.Waiting(-1);
                if (next.CancellationToken.IsCancellationRequested)
                    continue;
                batch.Add(next);
                rows += next.Texts.Count;
            }
            var left = _delay - Stopwatch.GetElapsedTime(start);
            // What is still there has no room in this batch.
            if (rows >= _maxRows || _waiting.Reader.TryPeek(out _) || left <= TimeSpan.Zero || !Readable().Wait(left) || !Readable().Result)
                return batch;
        }
    }

    /// <summary>Whether there will be something to read; not before there is.</summary>
    private Task<bool> Readable() => _readable = _readable is { IsCompleted: false } ? _readable : _waiting.Reader.WaitToReadAsync().AsTask();

    private void Classify(IReadOnlyList<Waiting> batch)
    {
        try
        {
            var rows = new Queue<(ServedAdapter Adapter, float[] Probabilities)?>(_model.Classify([.. batch.SelectMany(request => request.Texts.Select(text => (request.Adapter, text)))]));
            foreach (var request in batch)
            {
                (ServedAdapter Adapter, float[] Probabilities)?[] own = [.. request.Texts.Select(_ => rows.Dequeue())];
                if (own[0] is { } first)
                    request.Result.TrySetResult((first.Adapter, [.. own.Select(row => row!.Value.Probabilities)]));
                else
                    request.Result.TrySetException(AdapterStore.NotFound(request.Adapter, _model.Adapters.Values));
            }
        }
        catch (Exception e) when (batch.Count == 1)
        {
            batch[0].Result.TrySetException(e);
        }
        catch (Exception)
        {
            // One request must not fail with another: each alone.
            foreach (var request in batch)
                Classify([request]);
        }
    }

    private sealed record Waiting(string Adapter, IReadOnlyList<string> Texts, CancellationToken CancellationToken)
    {
        public TaskCompletionSource<(ServedAdapter, IReadOnlyList<float[]>)> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
