using System.Text.Json.Nodes;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Backbones.Families;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Frequencies of 8 rotated dimensions with θ = 10000, which without scaling are 1, 0.1, 0.01 and 0.001, read from `config.json` and computed by hand.</summary>
public sealed class RotaryFrequenciesTests
{
    private static readonly double[] Plain = [1, 0.1, 0.01, 0.001];

    [Theory]
    [InlineData("null")]
    [InlineData("""{"rope_type": "default"}""")]
    // Within the model's positions transformers changes nothing: its base grows by (f·L/L − (f − 1)) = 1.
    [InlineData("""{"type": "dynamic", "factor": 4.0}""")]
    [InlineData("""{"type": "dynamic", "factor": 4.0, "original_max_position_embeddings": 16}""")]
    public void Without_scaling_and_with_a_dynamic_one_they_are_plain(string scaling) => AssertFrequencies(Plain, Read(scaling));

    [Fact]
    public void Linear_scaling_divides_all() => AssertFrequencies([0.25, 0.025, 0.0025, 0.00025], Read("""{"type": "linear", "factor": 4.0}"""));

    [Fact]
    public void Llama_3_keeps_fast_waves_stretches_slow_ones_and_blends_between()
    {
        // Of 128 original positions 20.37, 2.037, 0.2037 and 0.02037 turns: with 1 to 4 the second keeps (2.0372 − 1)/3 = 0.34573.
        double blended = (1 - 0.345728) * 0.1 / 8 + 0.345728 * 0.1;
        AssertFrequencies([1, blended, 0.01 / 8, 0.001 / 8], Read("""
            {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 128}
            """));
    }

    [Fact]
    public void YaRN_blends_between_the_dimensions_where_waves_turn_often_and_seldom()
    {
        // Dimension(32) = 8·ln(4096/(32·2π))/(2·ln 10⁴) = 1.3090, Dimension(1) = 2.8142: the ramp from ⌊1.309⌋ = 1 to ⌈2.814⌉ = 3.
        AssertFrequencies([1, 0.1, 0.5 * 0.01 / 4 + 0.5 * 0.01, 0.001 / 4], Read("""{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}"""));
    }

    [Fact]
    public void YaRN_without_truncation_takes_the_bounds_as_they_are()
    {
        double stretch = (2 - 1.309030) / (2.814180 - 1.309030);
        AssertFrequencies([1, 0.1, stretch * 0.01 / 4 + (1 - stretch) * 0.01, 0.001 / 4],
            Read("""{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096, "truncate": false}"""));
    }

    [Theory]
    [InlineData("""{"rope_type": "yarn", "factor": 4.0}""", 1.138629)]                                                      // 0.1·ln 4 + 1
    [InlineData("""{"rope_type": "yarn", "factor": 1.0}""", 1)]
    [InlineData("""{"rope_type": "yarn", "factor": 4.0, "attention_factor": 0.7}""", 0.7)]
    [InlineData("""{"rope_type": "yarn", "factor": 4.0, "mscale": 2.0}""", 1.138629)]                                       // both or none
    [InlineData("""{"rope_type": "yarn", "factor": 4.0, "mscale": 2.0, "mscale_all_dim": 1.0}""", 1.277259 / 1.138629)]
    [InlineData("""{"rope_type": "yarn", "factor": 4.0, "mscale": 0.7, "mscale_all_dim": 0.7}""", 1)]
    [InlineData("""{"rope_type": "yarn", "factor": 4.0, "mscale": 2.0, "mscale_all_dim": 1.0, "attention_factor": 0.7}""", 0.7)]
    [InlineData("""{"rope_type": "linear", "factor": 4.0}""", 1)]
    public void Only_YaRN_scales_cosines_and_sines(string scaling, double factor) => Assert.Equal(factor, RotaryFrequencies.AttentionFactor(Read(scaling)), 1e-5);

    [Fact]
    public void Without_a_factor_YaRN_takes_the_ratio_of_the_positions()
    {
        var rotary = Read("""{"rope_type": "yarn", "original_max_position_embeddings": 1024}""");
        Assert.Equal((4, 1024), (rotary.Factor, rotary.OriginalMaxPositions));
    }

    [Fact]
    public void Original_positions_outside_the_scaling_go_before_those_within_and_the_models_own_come_last()
    {
        const string Yarn = """{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}""";
        Assert.Equal(512, Read(Yarn, ("original_max_position_embeddings", "512")).OriginalMaxPositions);
        Assert.Equal(1024, Read(Yarn).OriginalMaxPositions);
        Assert.Equal(4096, Read("""{"rope_type": "yarn", "factor": 4.0}""").OriginalMaxPositions);
    }

    [Fact]
    public void The_base_stands_within_the_parameters_or_beside_them()
    {
        Assert.Equal(500, Read("null", ("rope_parameters", """{"rope_type": "default", "rope_theta": 500.0}""")).Theta);
        Assert.Equal(700, Read("null", ("rope_parameters", """{"rope_type": "default"}"""), ("rope_theta", "700")).Theta);
        Assert.Equal(700, Read("""{"rope_type": "linear", "factor": 2.0}""", ("rope_theta", "700")).Theta);
    }

    [Fact]
    public void Divisors_divide_each() =>
        AssertFrequencies([1, 0.05, 0.0025, 0.000125], new RotaryConfiguration { Theta = 10000, Divisors = [1, 2, 4, 8] });

    private static RotaryConfiguration Read(string scaling, params (string Key, string Value)[] more)
    {
        var values = new JsonObject { ["rope_scaling"] = JsonNode.Parse(scaling), ["max_position_embeddings"] = 4096 };
        foreach (var (key, value) in more)
            values[key] = JsonNode.Parse(value);
        return RotaryReader.Read(ConfigFile.From("config.json", values));
    }

    private static void AssertFrequencies(double[] expected, RotaryConfiguration rotary) =>
        Assert.Equal(expected, RotaryFrequencies.Of(rotary, 8), (a, b) => Math.Abs(a - b) < 1e-6 * Math.Abs(a) + 1e-9);
}
