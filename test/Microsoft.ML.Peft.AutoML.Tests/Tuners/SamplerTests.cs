using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tests.Support;
using Microsoft.ML.Peft.AutoML.Tuners;

namespace Microsoft.ML.Peft.AutoML.Tests.Tuners;

public sealed class SamplerTests
{
    public static TheoryData<string> Samplers => ["random", "grid", "TPE"];

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Each_methods_defaults_are_tried_first(string name)
    {
        var history = Proposed(name, 3);
        Assert.Equal(Landscapes.Three.Select(space => space.Default), history.Trials.Select(trial => trial.Configuration));
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void No_configuration_is_proposed_twice_and_a_small_space_ends(string name)
    {
        MethodSpace[] spaces = [new("a", [new NumericDimension("x", 1, 3, log: false, integer: true, 2), new ChoiceDimension("y", [false, true], false)]), new("b", [])];
        var history = Proposed(name, 100, spaces);
        Assert.Equal(7, history.Trials.Count);
        Assert.Equal(7, history.Trials.Select(trial => trial.Configuration.Key).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void The_same_seed_gives_the_same_proposals_whatever_was_drawn_before(string name)
    {
        var all = Proposed(name, 30);
        var again = new SearchHistory();
        foreach (var trial in all.Trials.Take(20))
            again.Start(trial.Id, trial.Configuration).Report(trial.Reports[0]);
        Assert.Equal(all.Trials[20].Configuration, Sampler(name, Landscapes.Three, seed: 3).Propose(again));
    }

    [Fact]
    public void Another_seed_draws_other_configurations()
        => Assert.NotEqual(Proposed("random", 10, seed: 1).Trials[9].Configuration, Proposed("random", 10, seed: 2).Trials[9].Configuration);

    [Fact]
    public void Random_search_draws_all_methods_alike()
    {
        var trials = Proposed("random", 333).Trials;
        // The flat method has nine configurations only.
        Assert.InRange(trials.Count(trial => trial.Configuration.Space.Method == "rough"), 120, 210);
        Assert.Equal(9, trials.Count(trial => trial.Configuration.Space.Method == "flat"));
    }

    [Fact]
    public void A_grid_is_complete()
    {
        MethodSpace[] spaces = [new("a", [new NumericDimension("x", 0, 1, log: false, integer: false, 0), new NumericDimension("y", 1, 100, log: true, integer: false, 1)])];
        var keys = Proposed("grid", 100, spaces).Trials.Select(trial => string.Join(' ', trial.Configuration.Values.Select(value => Math.Round((double)value!, 9)))).ToHashSet();
        Assert.Equal(["0 1", "0 10", "0 100", "0.5 1", "0.5 10", "0.5 100", "1 1", "1 10", "1 100"], keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_grid_that_is_cut_short_has_seen_all_methods_and_different_values()
    {
        var trials = Proposed("grid", 12).Trials;
        Assert.Equal(3, trials.Select(trial => trial.Configuration.Space.Method).Distinct().Count());
        var smooth = trials.Where(trial => trial.Configuration.Space.Method == "smooth").Skip(1).ToList();
        Assert.All(Enumerable.Range(0, 4), i => Assert.True(smooth.Select(trial => trial.Configuration.Values[i]).Distinct().Skip(1).Any()));
    }

    [Fact]
    public void A_grid_beyond_counting_is_refused()
    {
        MethodSpace[] spaces = [new("a", [.. Enumerable.Range(0, 12).Select(i => new NumericDimension($"x{i}", 0, 1, log: false, integer: false, 0))])];
        Assert.Contains("too large", Assert.Throws<ArgumentException>(() => new GridSampler(spaces, 100)).Message, StringComparison.Ordinal);
    }

    private static SearchHistory Proposed(string name, int trials, IReadOnlyList<MethodSpace>? spaces = null, int seed = 3)
        => Simulation.Run(new FullTrainingTuner(Sampler(name, spaces ?? Landscapes.Three, seed), 1), (configuration, _) => configuration.Key.Length, trials: trials);

    private static ISampler Sampler(string name, IReadOnlyList<MethodSpace> spaces, int seed) => name switch
    {
        "random" => new RandomSampler(spaces, seed),
        "grid" => new GridSampler(spaces, 3),
        _ => new TpeSampler(spaces, seed),
    };
}
