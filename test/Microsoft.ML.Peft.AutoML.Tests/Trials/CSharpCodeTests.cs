using System.Globalization;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tests.Support;
using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.AutoML.Tests.Trials;

public sealed class CSharpCodeTests
{
    [Fact]
    public void Only_what_differs_from_the_defaults_is_written()
    {
        Assert.Equal("new PTuningOptions()", CSharpCode.Of(new PTuningOptions { Encoder = PromptEncoder.Mlp, LearningRate = null }));
        Assert.Equal(
            "new PrefixTuningOptions\n{\n    Projection = true,\n    LearningRate = 0.001,\n    Generation = new GenerationOptions { TopP = 0.9 },\n}",
            CSharpCode.Of(new PrefixTuningOptions { Projection = true, LearningRate = 1e-3, Generation = new GenerationOptions { TopP = 0.9, StopStrings = [] } }));
    }

    [Fact]
    public void The_code_compiles_and_creates_the_same_options()
    {
        SoftPromptOptions[] options = [.. Handmade(), .. Searched()];
        var methods = options.Select((value, i) => string.Create(CultureInfo.InvariantCulture, $"public static SoftPromptOptions Options{i}() => {CSharpCode.Of(value)};"));
        var type = Compiler.Compile("Pasted", $"using Microsoft.ML.Peft;\npublic static class Pasted\n{{\n{string.Join('\n', methods)}\n}}").GetType("Pasted")!;
        for (int i = 0; i < options.Length; i++)
            AssertSame(options[i], (SoftPromptOptions)type.GetMethod($"Options{i}")!.Invoke(null, null)!);
    }

    [Fact]
    public void Rows_and_cancellation_are_left_out()
    {
        using var cancellation = new CancellationTokenSource();
        var options = new PrefixTuningOptions { CancellationToken = cancellation.Token, ValidationSet = new MLContext().Data.LoadFromEnumerable<Ticket>([]) };
        Assert.Equal("new PrefixTuningOptions()", CSharpCode.Of(options));
    }

    private static IEnumerable<SoftPromptOptions> Handmade()
    {
        yield return new PromptTuningOptions
        {
            LabelColumnName = "a \"quoted\" \\ name",
            TextColumnName = "line\nbreak, tab\t, null\0, bell\a, next line\u0085, separators\u2028\u2029",
            SecondTextColumnName = "für 漢字 😀 {text} ${1} @",
            PromptTemplate = "Q: {text}\r\nA: {second}'\"\"\"",
            Model = @"C:\models\new\table",
            LearningRate = 1e-5,
            HeadLearningRate = 0.1 + 0.2,
            WeightDecay = 1e16 / 3,
            MaxGradientNorm = double.MaxValue,
            InitializationRange = double.Epsilon,
            Seed = int.MinValue,
            MaxEpochs = int.MaxValue,
            Initialization = PromptInitialization.LabelWords,
            Pooling = Pooling.Mean,
            Precision = Precision.Float32,
            Head = ClassificationHead.LabelWords,
            LabelWords = new Dictionary<string, string> { ["yes \"sir\""] = "true", ["no"] = "fal\\se" },
            Generation = new GenerationOptions { MaxNewTokens = 8, Temperature = 0.7, StopStrings = ["\n\n", "}"], Seed = -1 },
        };
        yield return new PrefixTuningOptions { Projection = true, ProjectionHiddenSize = 64, Schedule = LearningRateSchedule.Cosine, BatchSize = 7, Patience = 2 };
        yield return new PTuningOptions { Encoder = PromptEncoder.Lstm, EncoderHiddenSize = 5, EncoderDropout = 1e-300, Generation = new GenerationOptions { LengthPenalty = -1.5, Beams = 2 } };
    }

    /// <summary>What a search tries.</summary>
    private static IEnumerable<SoftPromptOptions> Searched()
    {
        var random = new Random(1);
        return from sweep in PeftSweep.All
               from _ in Enumerable.Range(0, 20)
               select sweep.CreateOptions(new Configuration(sweep.Space, [.. sweep.Space.Dimensions.Select(dimension => dimension.At(random.NextDouble()))]));
    }

    private static void AssertSame(SoftPromptOptions expected, SoftPromptOptions actual)
    {
        Assert.Equal(expected.GetType(), actual.GetType());
        foreach (var property in expected.GetType().GetProperties().Where(property => property.PropertyType != typeof(GenerationOptions)))
            Assert.Equal(property.GetValue(expected), property.GetValue(actual));
        Assert.Equivalent(expected.Generation, actual.Generation, strict: true);
    }
}
