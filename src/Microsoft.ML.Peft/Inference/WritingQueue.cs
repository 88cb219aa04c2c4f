using System.Runtime.CompilerServices;
using Microsoft.ML.Peft.Backbones;

namespace Microsoft.ML.Peft.Inference;

/// <summary>
/// Where all callers of a frozen model meet who want texts written: whoever comes while others are being written joins them at the next token,
/// in the order of coming. One thread writes, for as long as there is something to write.
/// </summary>
internal sealed class WritingQueue
{
    private static readonly ConditionalWeakTable<LanguageModel, WritingQueue> Queues = [];

    private readonly LanguageModel _model;
    private readonly Lock _gate = new();
    private readonly List<Request> _arrived = [];
    private bool _writing;

    private WritingQueue(LanguageModel model) => _model = model;

    /// <summary>The one queue of a model.</summary>
    public static WritingQueue Of(LanguageModel model) => Queues.GetValue(model, static model => new WritingQueue(model));

    /// <summary>
    /// Has texts written. Until the task is complete, model and soft prompts must not be freed; to end it early, stop the texts
    /// (<see cref="Writing.Stop"/>).
    /// </summary>
    public Task WriteAsync(IReadOnlyList<Writing> texts)
    {
        Request[] requests = [.. texts.Select(text => new Request(text))];
        lock (_gate)
        {
            _arrived.AddRange(requests);
            if (!_writing && requests.Length > 0)
            {
                _writing = true;
                new Thread(Write) { IsBackground = true, Name = "PeftMl writing" }.Start();
            }
        }
        return Task.WhenAll(requests.Select(request => request.Done.Task));
    }

    private void Write()
    {
        var waiting = new Queue<Writing>();
        var open = new List<Request>();
        var batch = new WritingBatch(_model);
        while (TakeIn(open, waiting))
        {
            try
            {
                batch.Step(waiting);
                foreach (var request in open.Where(request => request.Text.IsComplete))
                    request.Done.SetResult();
                open.RemoveAll(request => request.Done.Task.IsCompleted);
            }
            catch (Exception e)
            {
                // What cannot be written must not end the process, nor keep later texts from being written.
                batch.Dispose();
                batch = new WritingBatch(_model);
                waiting.Clear();
                open.ForEach(request => request.Done.TrySetException(e));
                open.Clear();
            }
        }
        batch.Dispose();
    }

    /// <summary>Takes over what has arrived; false, and the thread's end, if nothing is left to write.</summary>
    private bool TakeIn(List<Request> open, Queue<Writing> waiting)
    {
        lock (_gate)
        {
            open.AddRange(_arrived);
            _arrived.ForEach(request => waiting.Enqueue(request.Text));
            _arrived.Clear();
            return _writing = open.Count > 0;
        }
    }

    private sealed record Request(Writing Text)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
