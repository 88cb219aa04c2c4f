using Microsoft.ML.Peft.Backbones;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class CausalBiasTests
{
    private const float Never = float.NegativeInfinity;

    [Fact]
    public void A_query_sees_the_prefix_its_own_past_and_itself() =>
        Assert.Equal([0, 0, Never, Never, 0, 0, 0, Never, 0, 0, 0, 0], Bias(prefix: 1, length: 3, window: null, windowed: false));

    [Fact]
    public void A_window_counts_the_query_itself_and_lets_a_prefix_drop_out_of_view() =>
        Assert.Equal([0, 0, Never, Never, Never, 0, 0, Never, Never, Never, 0, 0], Bias(prefix: 1, length: 3, window: 2, windowed: true));

    [Fact]
    public void Layers_without_a_window_see_all_though_others_have_one() =>
        Assert.Equal(Bias(1, 3, null, false), Bias(1, 3, 2, windowed: false));

    private static float[] Bias(int prefix, int length, int? window, bool windowed)
    {
        using var scope = NewDisposeScope();
        var layout = RowLayout.Of([length]);
        return new CausalBias(layout, Prompt.FromKeysValues(prefix, []), window, ScalarType.Float32, CPU).Of(layout.Groups[0], windowed).data<float>().ToArray();
    }
}
