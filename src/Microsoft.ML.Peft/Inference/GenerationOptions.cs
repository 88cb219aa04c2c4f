namespace Microsoft.ML.Peft;

/// <summary>How a language model writes. The defaults are greedy: always the likeliest token.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens to write, the end token included; at least 1. Default 64.</summary>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>The end token is not allowed before so many tokens; 0 to <see cref="MaxNewTokens"/>. Default 0.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>
    /// Divides the logits before a token is drawn: below 1 bolder, above 1 wilder. 0 takes the likeliest token. At least 0. Default 0.
    /// </summary>
    public double Temperature { get; init; }

    /// <summary>Only the so many likeliest tokens may be drawn (Fan et al. 2018); 0: all. Default 0.</summary>
    public int TopK { get; init; }

    /// <summary>Only the likeliest tokens that together have this probability may be drawn (Holtzman et al. 2019); above 0, at most 1. Default 1: all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only tokens with at least this part of the likeliest one's probability may be drawn; 0 to 1. Default 0: all.</summary>
    public double MinP { get; init; }

    /// <summary>Makes tokens that the text already has less likely (Keskar et al. 2019): 1 not at all; above 0. Default 1.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Writing ends before the first of these texts. Default none.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>
    /// How many beginnings are written on at a time (beam search), at least 1; above 1 nothing is drawn, and <see cref="Temperature"/> must be 0.
    /// Default 1.
    /// </summary>
    public int Beams { get; init; } = 1;

    /// <summary>
    /// In beam search a text's score is its log-probability divided by its length to this power: above 0 favours longer texts, below 0
    /// shorter ones. A finite number. Default 1.
    /// </summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>The seed of what is drawn. The same seed gives the same text. Default 0.</summary>
    public int Seed { get; init; }

    internal void Check()
    {
        Check(MaxNewTokens >= 1, nameof(MaxNewTokens), MaxNewTokens, "at least 1");
        Check(MinNewTokens >= 0 && MinNewTokens <= MaxNewTokens, nameof(MinNewTokens), MinNewTokens, $"0 to MaxNewTokens ({MaxNewTokens})");
        Check(Temperature >= 0 && double.IsFinite(Temperature), nameof(Temperature), Temperature, "a number of at least 0");
        Check(TopK >= 0, nameof(TopK), TopK, "at least 0");
        Check(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0 and at most 1");
        Check(MinP is >= 0 and <= 1, nameof(MinP), MinP, "0 to 1");
        Check(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), nameof(RepetitionPenalty), RepetitionPenalty, "a number above 0");
        Check(Beams >= 1, nameof(Beams), Beams, "at least 1");
        Check(double.IsFinite(LengthPenalty), nameof(LengthPenalty), LengthPenalty, "a finite number");
        if (Beams > 1 && Temperature > 0)
            throw new ArgumentException($"Beams is {Beams} and Temperature above 0; beam search draws nothing: set one of them back.", nameof(Beams));
        ArgumentNullException.ThrowIfNull(StopStrings);
        if (StopStrings.Any(string.IsNullOrEmpty))
            throw new ArgumentException("StopStrings holds an empty text; leave it out.", nameof(StopStrings));
    }

    private static void Check(bool valid, string option, object value, string range)
    {
        if (!valid)
            throw new ArgumentOutOfRangeException(option, FormattableString.Invariant($"{option} is {value}; it must be {range}."));
    }
}
