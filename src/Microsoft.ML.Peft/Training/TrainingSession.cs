using System.Diagnostics;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Native;
using static System.FormattableString;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>
/// A training that runs epoch by epoch: AdamW steps, then validation. The best epoch is kept, the start included. The number of
/// epochs is fixed from the beginning, because the learning rates depend on it; how many are run at a time is the caller's choice.
/// Between epochs a session can be saved, and a new one resumed from there computes the same bits.
/// </summary>
internal sealed class TrainingSession : IDisposable
{
    private const int LeastPatience = 3;
    private const string BestPrefix = "best.";
    private const string GeneratorName = "generator";

    private readonly TrainingTask _task;
    private readonly TrainingSettings _settings;
    private readonly TrainingObserver _observer;
    private readonly BatchSampler _sampler;
    private readonly AdamWOptimizer _optimizer;
    private readonly List<TrainingEpoch> _epochs = [];
    private readonly Stopwatch _clock = new();
    private IReadOnlyList<Tensor> _bestValues = [];
    private int _microBatchTokens;
    private int _virtualPositions;      // that each row has, known from the first step on
    private TimeSpan _elapsedBefore;
    private long _examples;
    private bool _started;
    private bool _betweenEpochs = true;

    /// <param name="task">What is learnt; it stays the caller's.</param>
    /// <param name="settings">How.</param>
    /// <param name="observer">Who is told.</param>
    /// <param name="random">Draws the order of the rows.</param>
    public TrainingSession(TrainingTask task, TrainingSettings settings, TrainingObserver observer, Random random)
    {
        _task = task;
        _settings = settings;
        _observer = observer;
        _sampler = new BatchSampler(task.RowLengths, settings.BatchSize, random);
        _microBatchTokens = settings.MicroBatchTokens ?? MicroBatches.UsualTokens(task.Backbone.Configuration);
        _optimizer = new AdamWOptimizer(task.Groups, settings.WeightDecay, settings.MaxGradientNorm);
        var (usual, leastSteps) = task.UsualLength;
        MaxEpochs = settings.MaxEpochs ?? Math.Max(usual, (leastSteps + _sampler.BatchesPerEpoch - 1) / _sampler.BatchesPerEpoch);
    }

    /// <summary>The epochs there are at most, which the schedule spans.</summary>
    public int MaxEpochs { get; }

    /// <summary>The epochs run so far.</summary>
    public IReadOnlyList<TrainingEpoch> Epochs => _epochs;

    /// <summary>The best epoch so far; 0 is the start. Without validation rows the last one.</summary>
    public int BestEpoch { get; private set; }

    /// <summary>The best epoch's result; null without validation rows, or before the first epoch.</summary>
    public ValidationResult? Best { get; private set; }

    /// <summary>What the frozen model reaches without soft prompt; computed before the first epoch unless it is set.</summary>
    public double? Baseline { get; set; }

    /// <summary>Whether no epoch is left to run.</summary>
    public bool Ended { get; private set; }

    /// <summary>By default a third of all epochs: where rows are few, epochs are short and their metrics noisy.</summary>
    private int Patience => _settings.Patience ?? Math.Max(LeastPatience, (MaxEpochs + 2) / 3);

    private int Steps => MaxEpochs * _sampler.BatchesPerEpoch;

    private TimeSpan Elapsed => _elapsedBefore + _clock.Elapsed;

    private TimeSpan Remaining => TimeSpan.FromSeconds(Elapsed.TotalSeconds / _optimizer.Steps * (Steps - _optimizer.Steps));

    /// <summary>Runs epochs until so many have been run in all, or training ends.</summary>
    public void RunEpochs(int until = int.MaxValue)
    {
        while (!Ended && _epochs.Count < until)
            RunEpoch();
    }

    /// <summary>Runs one epoch.</summary>
    public void RunEpoch()
    {
        if (Ended)
            throw new InvalidOperationException($"The training has ended after epoch {_epochs.Count}.");
        CheckBetweenEpochs();
        Start();
        _betweenEpochs = false;
        var (epoch, result) = Train(_epochs.Count + 1);
        _epochs.Add(epoch);
        Log(epoch, result);
        // Of two equally good epochs the later one saw more data at a smaller learning rate.
        if (result is null || !_task.Better(Best!.Metric, result.Metric))
            Keep(epoch.Epoch, result);
        bool exhausted = epoch.Epoch - BestEpoch >= Patience;
        if (exhausted)
            _observer.Log(Invariant($"Stopped early: no better {_task.MetricName} than {Best!.Metric:0.0000} since epoch {BestEpoch}."));
        Ended = exhausted || epoch.Epoch == MaxEpochs;
        _betweenEpochs = true;
    }

    /// <summary>Writes all that is needed to go on, in place of what an earlier call wrote there.</summary>
    /// <param name="directory">Is made if it does not exist.</param>
    /// <param name="identity">What this training is of.</param>
    public void Save(string directory, TrainingIdentity identity)
    {
        CheckBetweenEpochs();
        Start();
        using var scope = NewDisposeScope();
        var tensors = Values().Concat(_optimizer.Moments).ToDictionary(StringComparer.Ordinal);
        foreach (var ((name, _), value) in Values().Zip(_bestValues))
            tensors.Add(BestPrefix + name, value);
        if (_task.Generator is { } generator)
            tensors.Add(GeneratorName, generator.get_state());
        TrainingCheckpoint.Write(directory, identity, State(), tensors);
    }

    /// <summary>Takes over what <see cref="Save"/> wrote. For a new session of the same training only.</summary>
    /// <exception cref="FileNotFoundException">There is no checkpoint.</exception>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="ArgumentException">It is of another training.</exception>
    public void Resume(string directory, TrainingIdentity identity)
    {
        if (_started)
            throw new InvalidOperationException("This training has started already; resume a new one.");
        using var checkpoint = TrainingCheckpoint.Open(directory);
        checkpoint.CheckIs(identity);
        using var scope = NewDisposeScope();
        foreach (var (name, value) in Values())
            checkpoint.CopyTo(name, value);
        foreach (var (name, value) in _optimizer.Moments)
            checkpoint.CopyTo(name, value);
        if (_task.HasValidation)
            _bestValues = [.. Values().Select(value => checkpoint.Read(BestPrefix + value.Key, value.Value).to(value.Value.device).DetachFromDisposeScope())];
        if (_task.Generator is { } generator)
            generator.set_state(checkpoint.Read(GeneratorName, generator.get_state()));
        Restore(checkpoint.State);
    }

    /// <summary>Ends the training: the task's parameters are those of the best epoch afterwards.</summary>
    public TrainingHistory Finish()
    {
        CheckBetweenEpochs();
        Start();
        _betweenEpochs = false;
        if (_task.HasValidation)
            ParameterValues.Restore(_task.Parameters, _bestValues);
        if (!ParameterValues.AreFinite(_task.Parameters))
            throw _task.Diverged($"what was trained is not finite after step {_optimizer.Steps}");
        _task.Finish(_observer.CheckCancelled);
        return _task.History(_epochs, BestEpoch, Best, Baseline);
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        ParameterValues.Free(_bestValues);
    }

    /// <summary>The start counts as epoch 0.</summary>
    private void Start()
    {
        if (_started)
            return;
        if (_task.HasValidation)
        {
            Baseline ??= _task.Baseline(_observer.CheckCancelled);
            Keep(0, _task.Validate(_observer.CheckCancelled));
        }
        _started = true;
    }

    private IEnumerable<KeyValuePair<string, Tensor>> Values() =>
        from @group in _task.Groups
        from parameter in @group.Parameters
        select KeyValuePair.Create($"{@group.Name}.{parameter.Key}", (Tensor)parameter.Value);

    private TrainingState State() => new()
    {
        Epochs = _epochs,
        MaxEpochs = MaxEpochs,
        Steps = _optimizer.Steps,
        Examples = _examples,
        Elapsed = Elapsed,
        BestEpoch = BestEpoch,
        Best = Best,
        Baseline = Baseline,
        MicroBatchTokens = _microBatchTokens,
        Ended = Ended,
    };

    private void Restore(TrainingState state)
    {
        if (state.MaxEpochs != MaxEpochs)
            throw new ArgumentException($"The checkpoint is of a training of {state.MaxEpochs} epochs, this one has {MaxEpochs}.");
        _epochs.AddRange(state.Epochs);
        foreach (var _ in _epochs)
            _sampler.NextEpoch();
        _optimizer.Steps = state.Steps;
        (_examples, _elapsedBefore) = (state.Examples, state.Elapsed);
        _microBatchTokens = state.MicroBatchTokens ?? _microBatchTokens;
        (BestEpoch, Best, Baseline, Ended) = (state.BestEpoch, state.Best, state.Baseline, state.Ended);
        _started = true;
    }

    private void CheckBetweenEpochs()
    {
        if (!_betweenEpochs)
            throw new InvalidOperationException("This training was interrupted within an epoch, or is finished; resume a new one from its last checkpoint.");
    }

    private void Keep(int epoch, ValidationResult? result)
    {
        (BestEpoch, Best) = (epoch, result);
        if (result is null)
            return;
        ParameterValues.Free(_bestValues);
        _bestValues = ParameterValues.Copy(_task.Parameters);
    }

    private (TrainingEpoch Epoch, ValidationResult? Result) Train(int epoch)
    {
        long start = Stopwatch.GetTimestamp();
        _clock.Start();
        double lossSum = 0, weight = 0;
        long tokens = 0;
        int examples = 0;
        foreach (int[] rows in _sampler.NextEpoch())
        {
            _observer.CheckCancelled();
            lossSum += Step(rows, epoch) * _task.Weight(rows);
            weight += _task.Weight(rows);
            examples += rows.Length;
            _examples += rows.Length;
            tokens += rows.Sum(row => _task.RowLengths[row]);
            Report(epoch, lossSum / weight);
        }
        _clock.Stop();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double rate = _task.Groups[0].LearningRate * ScheduleFactor();
        var result = _task.HasValidation ? _task.Validate(_observer.CheckCancelled) : null;
        return (new TrainingEpoch(epoch, lossSum / weight, result?.Metric, rate, seconds, examples / seconds, tokens / seconds) { ValidationRougeL = result?.RougeL }, result);
    }

    /// <summary>One update from a batch; its mean loss.</summary>
    private double Step(int[] rows, int epoch)
    {
        double mean;
        using var drawn = _settings.SplitsToFit ? _task.Generator?.get_state() : null;
        while (true)
        {
            try
            {
                mean = ComputeGradients(rows, epoch);
                break;
            }
            catch (Exception e) when (_settings.SplitsToFit && OutOfMemory.Is(e))
            {
                Split(rows, e);
                // The step begins anew, with the same draws.
                _optimizer.ClearGradients();
                if (drawn is not null)
                    _task.Generator!.set_state(drawn);
            }
        }
        _optimizer.Step(ScheduleFactor());
        return mean;
    }

    /// <summary>Adds up the gradients of a batch's mean loss, which it returns.</summary>
    private double ComputeGradients(int[] rows, int epoch)
    {
        using var step = NewDisposeScope();
        var checkpoints = new GradientCheckpoints();
        bool recompute = _settings.GradientCheckpointing;
        var prompt = _task.Prompt(recompute ? checkpoints : null);
        _virtualPositions = _task.Backbone.VirtualPositions(prompt);
        var parts = Parts(rows);
        // Parts share the soft prompt: it is computed once, forward and backward.
        if (recompute || parts.Count > 1)
            prompt = prompt.With(checkpoints, recompute);
        int shared = checkpoints.Count;
        double mean = 0;
        foreach (int[] part in parts)
        {
            using var scope = NewDisposeScope();
            var loss = _task.Loss(part, prompt);
            double value = loss.item<float>();
            if (!double.IsFinite(value))
                throw _task.Diverged($"the loss became {value} in epoch {epoch}, step {_optimizer.Steps + 1}");
            double share = part.Length == rows.Length ? 1 : _task.Weight(part) / _task.Weight(rows);
            mean += value * share;
            checkpoints.Backward(share == 1 ? loss : loss.Times(share), shared);
        }
        checkpoints.Finish();
        return mean;
    }

    private List<int[]> Parts(int[] rows) => [.. MicroBatches.Split(rows, _task.RowLengths, _microBatchTokens, _virtualPositions)];

    /// <summary>From now on batches are computed in parts of half the size that memory did not suffice for.</summary>
    private void Split(int[] rows, Exception cause)
    {
        int Tokens(int[] part) => part.Sum(row => _task.RowLengths[row] + _virtualPositions);
        int[] largest = Parts(rows).MaxBy(Tokens)!;
        int tokens = Tokens(largest);
        if (largest.Length == 1)
        {
            throw new InvalidOperationException(
                $"Memory does not suffice for a training step of a single text of {tokens} tokens; set GradientCheckpointing = true, or lower MaxTokens or VirtualTokens.", cause);
        }
        _microBatchTokens = tokens / 2;
        _observer.Log($"Memory did not suffice for {tokens} tokens at a time: batches are computed in parts of at most {_microBatchTokens} tokens from now on.");
    }

    private double ScheduleFactor() => Schedule.Factor(_settings.Schedule, _optimizer.Steps, Steps, _settings.WarmUpFraction);

    private void Report(int epoch, double loss) => _observer.Progress(new TrainingProgress(
        epoch, MaxEpochs, _optimizer.Steps, Steps, loss, _epochs.LastOrDefault()?.ValidationMetric, _examples / Elapsed.TotalSeconds, Remaining));

    private void Log(TrainingEpoch epoch, ValidationResult? result)
    {
        string metric = result is null ? "" : Invariant($", validation {_task.MetricName} {result.Metric:0.0000}");
        string rouge = result?.RougeL is { } value ? Invariant($", ROUGE-L {value:0.0000}") : "";
        string best = result is not null && _task.Better(result.Metric, Best!.Metric) ? " (best)" : "";
        var remaining = Remaining;
        _observer.Log(Invariant(
            $"Epoch {epoch.Epoch}/{MaxEpochs}: loss {epoch.TrainingLoss:0.0000}{metric}{rouge}{best}, {epoch.ExamplesPerSecond:0} examples/s, ETA {(int)remaining.TotalMinutes:00}:{remaining.Seconds:00}"));
    }
}
