using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>
/// Grid search: each method's defaults first, then every combination of a few values of each option. Its order alternates between the
/// methods and steps through each grid in strides, so that a search that is cut short has seen all methods and no mere corner.
/// </summary>
internal sealed class GridSampler : ISampler
{
    private readonly int _steps;
    private readonly IReadOnlyList<MethodSpace> _spaces;
    private readonly IReadOnlyList<object?>[][] _values;    // per method and option
    private readonly long[] _sizes;

    /// <exception cref="ArgumentException">The grid is too large to be counted.</exception>
    public GridSampler(IReadOnlyList<MethodSpace> spaces, int steps)
    {
        (_spaces, _steps) = (spaces, steps);
        _values = [.. spaces.Select(space => space.Dimensions.Select(dimension => dimension.Grid(steps)).ToArray())];
        _sizes = [.. _values.Select(Size)];
    }

    public string Description => $"grid of {_steps}";

    public Configuration? Propose(SearchHistory history)
    {
        if (history.Trials.Count < _spaces.Count)
            return _spaces[history.Trials.Count].Default;
        for (long round = 0; round < _sizes.Max(); round++)
        {
            for (int method = 0; method < _spaces.Count; method++)
            {
                if (round < _sizes[method] && At(method, round) is var configuration && !history.WasTried(configuration))
                    return configuration;
            }
        }
        return null;
    }

    private Configuration At(int method, long round)
    {
        long index = (long)((UInt128)round * (ulong)Stride(_sizes[method]) % (ulong)_sizes[method]);
        var values = new object?[_values[method].Length];
        for (int i = 0; i < values.Length; i++)
        {
            var choices = _values[method][i];
            values[i] = choices[(int)(index % choices.Count)];
            index /= choices.Count;
        }
        return new Configuration(_spaces[method], values);
    }

    /// <summary>A step near the golden section that visits every point once.</summary>
    private static long Stride(long size)
    {
        long stride = Math.Max(1, (long)(size * 0.6180339887498949));
        while (Gcd(stride, size) != 1)
            stride++;
        return stride;
    }

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);

    private long Size(IReadOnlyList<object?>[] values)
    {
        try
        {
            return values.Aggregate(1L, (size, choices) => checked(size * choices.Count));
        }
        catch (OverflowException)
        {
            throw new ArgumentException($"A grid of {_steps} values for each of {values.Length} options is too large; search fewer options or values, or use another tuner.");
        }
    }
}
