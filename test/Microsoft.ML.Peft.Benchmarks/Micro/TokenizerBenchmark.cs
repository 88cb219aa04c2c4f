using BenchmarkDotNet.Attributes;

namespace Microsoft.ML.Peft.Benchmarks.Micro;

/// <summary>The embedded model's tokenizer over sentences; times are per sentence.</summary>
[MemoryDiagnoser]
public class TokenizerBenchmark     // public and unsealed, as BenchmarkDotNet asks for
{
    private const int SentenceCount = 8;

    private PretrainedModel _model = null!;

    [GlobalSetup]
    public void Load() => _model = PretrainedModel.Load(precision: Precision.Float32);

    [GlobalCleanup]
    public void Unload() => _model.Dispose();

    [Benchmark(OperationsPerInvoke = SentenceCount)]
    public int Encode()
    {
        int tokens = 0;
        foreach (string sentence in Sentences.All)
            tokens += _model.Encode(sentence).Ids.Count;
        return tokens;
    }
}
