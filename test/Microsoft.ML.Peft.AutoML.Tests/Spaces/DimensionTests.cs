using System.Text.Json;
using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tests.Spaces;

public sealed class DimensionTests
{
    private static readonly NumericDimension Rate = new("rate", 1e-4, 1, log: true, integer: false, 0.01);
    private static readonly NumericDimension Tokens = new("tokens", 1, 4, log: false, integer: true, 2);
    private static readonly ChoiceDimension Size = new("size", [null, 128, 512], 128);

    [Fact]
    public void The_unit_interval_spans_a_linear_range()
    {
        var range = new NumericDimension("dropout", 0, 0.5, log: false, integer: false, 0);
        Assert.Equal(0.0, range.At(0));
        Assert.Equal(0.25, range.At(0.5));
        Assert.Equal(0.5, (double)range.At(1), 12);
    }

    [Fact]
    public void The_unit_interval_spans_a_logarithmic_range_in_factors()
    {
        Assert.Equal(1e-4, (double)Rate.At(0), 12);
        Assert.Equal(1e-2, (double)Rate.At(0.5), 12);
        Assert.Equal(1.0, (double)Rate.At(1), 12);
    }

    [Fact]
    public void Both_ends_of_an_integer_range_are_drawn_as_often_as_the_others()
    {
        var random = new Random(1);
        var counts = Enumerable.Range(0, 40_000).GroupBy(_ => (int)Tokens.At(random.NextDouble())).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal([1, 2, 3, 4], counts.Keys.Order());
        Assert.All(counts.Values, count => Assert.InRange(count, 9_600, 10_400));
    }

    [Fact]
    public void A_value_lies_where_it_was_drawn()
    {
        Assert.Equal(0.3, Rate.UnitOf(Rate.At(0.3)), 12);
        var wide = new NumericDimension("tokens", 1, 200, log: true, integer: true, 20);
        Assert.All(Enumerable.Range(1, 200), tokens => Assert.Equal(tokens, wide.At(wide.UnitOf(tokens))));
    }

    [Fact]
    public void A_grid_holds_both_ends_and_no_value_twice()
    {
        Assert.Equal([1e-4, 1e-2, 1.0], Rate.Grid(3).Select(value => Math.Round((double)value!, 10)));
        Assert.Equal([1, 2, 3, 4], Tokens.Grid(100).Cast<int>());
        Assert.Equal([null, 128, 512], Size.Grid(2));
    }

    [Fact]
    public void A_default_outside_its_range_becomes_the_nearest_value()
    {
        Assert.Equal(4, new NumericDimension("tokens", 1, 4, log: false, integer: true, 20).Default);
        Assert.Equal(128, new ChoiceDimension("size", [128, 512], null).Default);
    }

    [Theory]
    [InlineData(1, 1, false, false)]
    [InlineData(2, 1, false, false)]
    [InlineData(0, 1, true, false)]
    [InlineData(double.NaN, 1, false, false)]
    [InlineData(1, double.PositiveInfinity, false, false)]
    [InlineData(1.5, 4, false, true)]
    public void A_range_that_cannot_be_searched_is_refused_with_its_name(double min, double max, bool log, bool integer)
        => Assert.Contains("rate", Assert.Throws<ArgumentException>(() => new NumericDimension("rate", min, max, log, integer, 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void Choices_need_values_and_each_once()
    {
        Assert.Throws<ArgumentException>(() => new ChoiceDimension("size", [], null));
        Assert.Throws<ArgumentException>(() => new ChoiceDimension("size", [1, 2, 1], 1));
    }

    [Fact]
    public void Values_survive_JSON_to_the_last_bit()
    {
        var space = new MethodSpace("method", [Rate, Tokens, Size, new ChoiceDimension("start", [PrefixInitialization.Zeros, PrefixInitialization.Text], null), new ChoiceDimension("on", [false, true], true),
            new ChoiceDimension("model", ["a+b", "c/é\""], null), new ChoiceDimension("decay", [0.0, 1e-5, 0.01], 0.0)]);
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            var configuration = new Configuration(space, [.. space.Dimensions.Select(dimension => dimension.At(random.NextDouble()))]);
            string line = JsonSerializer.Serialize(configuration.ToJson());
            var parsed = Configuration.Parse(space, JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!);
            Assert.Equal(configuration, parsed);
            Assert.Equal(configuration.Values, parsed.Values);
        }
    }

    [Theory]
    [InlineData("""{ "rate": 2.0, "size": null }""")]
    [InlineData("""{ "rate": 0.1, "size": 129 }""")]
    [InlineData("""{ "rate": "0.1", "size": null }""")]
    [InlineData("""{ "size": null }""")]
    public void A_value_of_another_space_is_refused(string line)
    {
        var json = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(line)!;
        Assert.Throws<InvalidDataException>(() => Configuration.Parse(new MethodSpace("method", [Rate, Size]), json));
    }
}
