using System.CommandLine;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>How texts are written.</summary>
internal sealed class GenerationArguments
{
    private readonly Option<int?> _maxNewTokens = Arguments.Number<int>("--max-new-tokens", "The most tokens that are written [default: 64, in a chat 256]", "N", 1);
    private readonly Option<double?> _temperature = Arguments.Number<double>("--temperature", "0 takes the likeliest token, higher ones draw more freely [default: 0]", "X", 0);
    private readonly Option<int?> _topK = Arguments.Number<int>("--top-k", "Draw among so many tokens [default: all]", "N", 1);
    private readonly Option<double?> _topP = Arguments.Number<double>("--top-p", "Draw among the likeliest tokens of this probability together [default: 1]", "X", 0, 1);
    private readonly Option<double?> _minP = Arguments.Number<double>("--min-p", "Draw among tokens of at least this part of the likeliest one's probability [default: 0]", "X", 0, 1);
    private readonly Option<double?> _repetitionPenalty = Arguments.Number<double>("--repetition-penalty", "Above 1, tokens that came before are less likely [default: 1]", "X", 0);
    private readonly Option<int?> _beams = Arguments.Number<int>("--beams", "Beams of a beam search [default: 1: none]", "N", 1);
    private readonly Option<string[]> _stop = new("--stop") { Description = "A text that ends the writing; may be given several times", HelpName = "TEXT", DefaultValueFactory = _ => [] };
    private readonly Option<int?> _seed = Arguments.Number<int>("--seed", "The seed of drawing [default: 0]", "N");

    public void AddTo(Verb verb)
    {
        foreach (var option in new Option[] { _maxNewTokens, _temperature, _topK, _topP, _minP, _repetitionPenalty, _beams, _stop, _seed })
            verb.Add(option);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="defaults">What holds where it says nothing.</param>
    public GenerationOptions Options(ParseResult parsed, GenerationOptions defaults)
    {
        string[] stop = parsed.GetValue(_stop)!;
        return defaults with
        {
            MaxNewTokens = parsed.GetValue(_maxNewTokens) ?? defaults.MaxNewTokens,
            Temperature = parsed.GetValue(_temperature) ?? defaults.Temperature,
            TopK = parsed.GetValue(_topK) ?? defaults.TopK,
            TopP = parsed.GetValue(_topP) ?? defaults.TopP,
            MinP = parsed.GetValue(_minP) ?? defaults.MinP,
            RepetitionPenalty = parsed.GetValue(_repetitionPenalty) ?? defaults.RepetitionPenalty,
            Beams = parsed.GetValue(_beams) ?? defaults.Beams,
            StopStrings = stop.Length > 0 ? stop : defaults.StopStrings,
            Seed = parsed.GetValue(_seed) ?? defaults.Seed,
        };
    }

    /// <summary>The options that a conversation has.</summary>
    public ChatOptions Chat(ParseResult parsed)
    {
        var foreign = new Option[] { _minP, _repetitionPenalty, _beams }.FirstOrDefault(option => parsed.GetResult(option) is not null);
        if (foreign is not null)
            throw new ArgumentException($"{foreign.Name} does not go with --chat; leave out one of them.");
        string[] stop = parsed.GetValue(_stop)!;
        return new ChatOptions
        {
            MaxOutputTokens = parsed.GetValue(_maxNewTokens),
            Temperature = (float?)parsed.GetValue(_temperature),
            TopK = parsed.GetValue(_topK),
            TopP = (float?)parsed.GetValue(_topP),
            StopSequences = stop.Length > 0 ? stop : null,
            Seed = parsed.GetValue(_seed),
        };
    }
}
