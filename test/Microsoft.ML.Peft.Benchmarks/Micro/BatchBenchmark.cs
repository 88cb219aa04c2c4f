using BenchmarkDotNet.Attributes;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks.Micro;

/// <summary>What a training step does before the model: an epoch's batches, and the tensors of one batch.</summary>
[MemoryDiagnoser]
public class BatchBenchmark     // public and unsealed, as BenchmarkDotNet asks for
{
    private const int Rows = 10_000;
    private const int BatchSize = 32;

    private TokenizedText[] _texts = [];
    private BatchSampler _sampler = null!;

    [GlobalSetup]
    public void Tokenize()
    {
        using var model = PretrainedModel.Load(precision: Precision.Float32);
        _texts = [.. Sentences.All.Select(sentence => model.Encode(sentence))];
        int[] lengths = [.. Enumerable.Range(0, Rows).Select(row => _texts[row % _texts.Length].Ids.Count)];
        _sampler = new BatchSampler(lengths, BatchSize, new Random(1));
    }

    /// <summary>10,000 rows, shuffled and grouped by length.</summary>
    [Benchmark]
    public int SampleEpoch() => _sampler.NextEpoch().Count;

    /// <summary>32 rows, laid end to end.</summary>
    [Benchmark]
    public long CreateTensors()
    {
        using var scope = NewDisposeScope();
        return TokenBatch.Create([.. Enumerable.Range(0, BatchSize).Select(row => _texts[row % _texts.Length])], 0, CPU).Layout.Positions;
    }
}
