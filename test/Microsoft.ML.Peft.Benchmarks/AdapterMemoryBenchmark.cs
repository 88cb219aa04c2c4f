using Microsoft.ML.Peft.Inference;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Benchmarks;

/// <summary>
/// How much memory further adapters over one frozen model take: the working set of a model with one adapter that has scored, and of the same
/// model with all adapters, each of which has scored in mixed batches.
/// </summary>
internal static class AdapterMemoryBenchmark
{
    private const int RowsPerBatch = 64;

    public sealed record Result(
        string Benchmark, string Model, string Task, string Method, int VirtualTokens, string Precision, int Threads, int Adapters, double AdapterFileKilobytes,
        double FrozenWeightsMegabytes, double BaseMemoryMegabytes, double MemoryMegabytes, double AdaptersMemoryMegabytes, double AdaptersPercentOfProcess, double AdaptersPercentOfWeights,
        double MixedRowsPerSecond, double OneAdapterRowsPerSecond);

    public static Result Run(SoftPromptOptions options, FileInfo train, string task, string method, int adapters)
    {
        options = options.CheckedCopy();
        var rows = DataFile.Read(train);
        string[] texts = [.. Sample.Of(rows, Math.Max(adapters, RowsPerBatch)).Select(row => row.Text)];
        bool writes = task == TrainingWork.Tasks[1];
        var directory = Directory.CreateTempSubdirectory("peft-adapters-");
        try
        {
            using var backbone = PretrainedModel.Load(options.Model, options.Precision);
            using (var adapter = writes
                ? UntrainedAdapter.ForWriting(backbone, options, texts)
                : UntrainedAdapter.ForClasses(backbone, options, texts, [.. rows.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal)]))
            {
                adapter.Save(directory.FullName);
            }
            using var model = PeftModel.Load(backbone, directory.FullName);
            void Use(Func<int, string> name)
            {
                (string Adapter, string Text)[] all = [.. texts.Select((text, i) => (name(i), text))];
                foreach (var batch in all.Chunk(RowsPerBatch))
                {
                    if (writes)
                        model.Generate([.. batch.Select(row => ((string?)row.Adapter, row.Text))], new GenerationOptions { MaxNewTokens = 2, MinNewTokens = 2 });
                    else
                        model.Classify(batch);
                }
            }
            double Speed(Func<int, string> name)
            {
                long start = System.Diagnostics.Stopwatch.GetTimestamp();
                Use(name);
                return texts.Length / System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
            }
            // The first adapter alone, as often as all of them later: what scoring itself takes is no adapter's.
            Use(_ => PeftModel.DefaultAdapter);
            double alone = Speed(_ => PeftModel.DefaultAdapter), before = new ProcessMemory().Start;
            for (int i = 0; i < adapters; i++)
                model.AddAdapter($"{i}", directory.FullName);
            Use(i => $"{i % adapters}");
            double mixed = Speed(i => $"{i % adapters}"), after = new ProcessMemory().Start;
            double weights = Weights(backbone) / 1e6;
            return new Result(
                "adapter-memory", MethodOptions.ModelName(backbone), task, method, model.VirtualTokens, backbone.Precision.ToString(), get_num_threads(), adapters,
                directory.EnumerateFiles().Sum(file => file.Length) / 1e3, weights, before, after, after - before, 100 * (after - before) / before, 100 * (after - before) / weights, mixed, alone);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>The bytes of the frozen model's matrices and embeddings in their number format, by its shape.</summary>
    private static double Weights(PretrainedModel backbone)
    {
        var shape = backbone.Configuration;
        double attention = (double)shape.HiddenSize * shape.HeadSize * (2 * shape.Heads + 2 * shape.KeyValueHeads);
        double feedForward = (double)shape.HiddenSize * shape.IntermediateSize * (shape is Backbones.DecoderConfiguration { GatedMlp: true } or Backbones.EncoderDecoderConfiguration { GatedMlp: true } ? 3 : 2);
        return (shape.Layers * (attention + feedForward) + (double)shape.VocabularySize * shape.EmbeddingSize) * (backbone.Precision == Precision.BFloat16 ? 2 : 4);
    }
}
