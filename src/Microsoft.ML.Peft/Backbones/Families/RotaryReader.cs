namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>Reads rotary positions: `rope_parameters` of newer files, `rope_theta` and `rope_scaling` of older ones.</summary>
internal static class RotaryReader
{
    private const double UsualTheta = 10000;

    /// <param name="config">The file.</param>
    /// <param name="layerType">The entry of `rope_parameters` where it has one per type of layer; null for the only one.</param>
    /// <param name="theta">The base where the file states none.</param>
    /// <param name="thetaKey">The older key of the base.</param>
    /// <param name="partialKey">The older key of the rotated part; null where the family rotates whole heads.</param>
    /// <param name="partial">The rotated part where the file states none.</param>
    public static RotaryConfiguration Read(
        ConfigFile config, string? layerType = null, double theta = UsualTheta, string thetaKey = "rope_theta", string? partialKey = null, double partial = 1)
    {
        var parameters = config.ObjectOrNull("rope_scaling") ?? config.ObjectOrNull("rope_parameters");
        if (layerType is not null)
            parameters = parameters?.ObjectOrNull(layerType) ?? parameters;
        string type = parameters?.TextOrNull("rope_type") ?? parameters?.TextOrNull("type") ?? "default";
        var rotary = new RotaryConfiguration
        {
            Theta = parameters?.PositiveOrNull("rope_theta") ?? config.Positive(thetaKey, theta),
            PartialFactor = parameters?.PositiveOrNull("partial_rotary_factor") ?? config.Positive(partialKey ?? "partial_rotary_factor", partial),
        };
        if (partialKey is null && rotary.PartialFactor != 1)
            throw new NotSupportedException($"'{config.Path}' asks for rotary positions in a part of each head (partial_rotary_factor), which this architecture does not have.");
        return type switch
        {
            // Dynamic scaling begins behind the positions that the model has; within them it is none.
            "default" or "dynamic" => rotary,
            "linear" => rotary with { Scaling = RotaryScaling.Linear, Factor = Required(parameters!, "factor", type) },
            "llama3" => Llama3(rotary, parameters!, config),
            "yarn" => Yarn(rotary, parameters!, config),
            _ => throw new NotSupportedException($"'{config.Path}' asks for rotary scaling '{type}'; supported are default, linear, dynamic, llama3 and yarn."),
        };
    }

    private static RotaryConfiguration Llama3(RotaryConfiguration rotary, ConfigFile parameters, ConfigFile config)
    {
        double low = Required(parameters, "low_freq_factor", "llama3"), high = Required(parameters, "high_freq_factor", "llama3");
        return high > low
            ? rotary with
            {
                Scaling = RotaryScaling.Llama3,
                Factor = Required(parameters, "factor", "llama3"),
                LowFrequencyFactor = low,
                HighFrequencyFactor = high,
                OriginalMaxPositions = OriginalPositions(parameters, config),
            }
            : throw new InvalidDataException($"'{config.Path}': high_freq_factor {high} of the rotary scaling 'llama3' is not above low_freq_factor {low}.");
    }

    private static RotaryConfiguration Yarn(RotaryConfiguration rotary, ConfigFile parameters, ConfigFile config)
    {
        int original = OriginalPositions(parameters, config);
        double factor = parameters.PositiveOrNull("factor") ?? config.Integer("max_position_embeddings") / (double)original;
        var (scale, allDimensions) = (parameters.PositiveOrNull("mscale"), parameters.PositiveOrNull("mscale_all_dim"));
        return rotary with
        {
            Scaling = RotaryScaling.Yarn,
            Factor = factor,
            OriginalMaxPositions = original,
            BetaFast = parameters.Positive("beta_fast", 32),
            BetaSlow = parameters.Positive("beta_slow", 1),
            WholeDimensions = parameters.Flag("truncate", fallback: true),
            AttentionFactor = parameters.PositiveOrNull("attention_factor")
                ?? (scale is null || allDimensions is null ? null : RotaryFrequencies.Sharpness(factor, scale.Value) / RotaryFrequencies.Sharpness(factor, allDimensions.Value)),
        };
    }

    /// <summary>The positions of pretraining; a value outside the scaling's own goes first.</summary>
    private static int OriginalPositions(ConfigFile parameters, ConfigFile config) => config.IntegerOrNull("original_max_position_embeddings")
        ?? parameters.IntegerOrNull("original_max_position_embeddings") ?? config.Integer("max_position_embeddings");

    private static double Required(ConfigFile parameters, string key, string type) => parameters.PositiveOrNull(key)
        ?? throw new InvalidDataException($"'{parameters.Path}': the rotary scaling '{type}' has no '{key}'.");
}
