using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Methods;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>The five methods, by name, and what they are initialised from.</summary>
internal static class TinyMethods
{
    private static readonly string[] All = ["prompt tuning", "prefix tuning", "projected prefix tuning", "P-tuning with an MLP", "P-tuning with an LSTM"];

    public static TheoryData<string> Names => [.. All];

    public static TheoryData<string, Pooling> With(params Pooling[] poolings)
    {
        var cases = new TheoryData<string, Pooling>();
        foreach (string name in All)
        {
            foreach (var pooling in poolings)
                cases.Add(name, pooling);
        }
        return cases;
    }

    public static MethodSettings Of(string name, int virtualTokens = 4) => name switch
    {
        "prompt tuning" => new PromptTuningSettings(virtualTokens),
        "prefix tuning" => new PrefixTuningSettings(virtualTokens),
        "projected prefix tuning" => new PrefixTuningSettings(virtualTokens) { Projection = true },
        "P-tuning with an MLP" => new PTuningSettings(virtualTokens),
        "P-tuning with an LSTM" => new PTuningSettings(virtualTokens) { Encoder = PromptEncoder.Lstm, EncoderDropout = 0.1 },
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    public static InitializationSource Source(PretrainedModel model, IReadOnlyList<string>? labelNames = null, params string[] trainingTexts)
    {
        var texts = (trainingTexts.Length == 0 ? ["the whale was there", "he saw one ship"] : trainingTexts).Select(text => model.Encode(text).Ids).ToList();
        return new InitializationSource(model.Frozen.Backbone, text => model.Encode(text).Ids, model.Words.SpecialIds, texts, labelNames)
        {
            TrainingPairs = texts.Select(ids => (ids, (int[])[.. ids])),
        };
    }
}
