namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>Reads rotary positions: `rope_parameters` of newer files, `rope_theta` and `rope_scaling` of older ones.</summary>
internal static class RotaryReader
{
    private const double UsualTheta = 10000;

    /// <param name="config">The file.</param>
    /// <param name="layerType">The entry of `rope_parameters` where it has one per type of layer; null for the only one.</param>
    /// <param name="thetaKey">The older key of the base.</param>
    /// <param name="partialKey">The older key of the rotated part.</param>
    public static RotaryConfiguration Read(ConfigFile config, string? layerType = null, string thetaKey = "rope_theta", string partialKey = "partial_rotary_factor")
    {
        var parameters = config.ObjectOrNull("rope_parameters");
        if (layerType is not null)
            parameters = parameters?.ObjectOrNull(layerType) ?? parameters;
        var scaling = parameters ?? config.ObjectOrNull("rope_scaling");
        string type = scaling?.TextOrNull("rope_type") ?? scaling?.TextOrNull("type") ?? "default";
        return new RotaryConfiguration
        {
            Theta = parameters?.Positive("rope_theta", UsualTheta) ?? config.Positive(thetaKey, UsualTheta),
            PartialFactor = parameters?.PositiveOrNull("partial_rotary_factor") ?? config.Positive(partialKey, 1),
            Scaling = type switch
            {
                // Dynamic scaling begins behind the positions that the model has; within them it is none.
                "default" or "dynamic" => RotaryScaling.None,
                "linear" => RotaryScaling.Linear,
                "llama3" => RotaryScaling.Llama3,
                "yarn" => RotaryScaling.Yarn,
                _ => throw new NotSupportedException($"'{config.Path}' asks for rotary scaling '{type}'; supported are default, linear, dynamic, llama3 and yarn."),
            },
            Factor = scaling?.Positive("factor", 1) ?? 1,
            LowFrequencyFactor = scaling?.Positive("low_freq_factor", 1) ?? 1,
            HighFrequencyFactor = scaling?.Positive("high_freq_factor", 4) ?? 4,
            OriginalMaxPositions = scaling?.IntegerOrNull("original_max_position_embeddings") ?? config.Integer("max_position_embeddings"),
            BetaFast = scaling?.Positive("beta_fast", 32) ?? 32,
            BetaSlow = scaling?.Positive("beta_slow", 1) ?? 1,
            AttentionFactor = scaling?.PositiveOrNull("attention_factor"),
        };
    }
}
