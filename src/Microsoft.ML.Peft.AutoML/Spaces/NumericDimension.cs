using System.Globalization;
using System.Text.Json;

namespace Microsoft.ML.Peft.AutoML.Spaces;

/// <summary>Numbers of a range, both ends included, also of integers; on a linear or logarithmic scale.</summary>
internal sealed record NumericDimension : Dimension
{
    private readonly double _low;       // where the unit interval starts and ends on the (logarithmic) scale
    private readonly double _high;

    /// <exception cref="ArgumentException">The range is empty or not finite, a logarithmic one does not lie above 0, or an integer's ends are no integers.</exception>
    public NumericDimension(string name, double min, double max, bool log, bool integer, double @default) : base(name)
    {
        if (!double.IsFinite(min) || !double.IsFinite(max) || min >= max)
            throw Bad(name, min, max, "the minimum must be smaller than the maximum");
        if (log && min <= 0)
            throw Bad(name, min, max, "a logarithmic range must lie above 0");
        if (integer && (min != Math.Round(min) || max != Math.Round(max) || Math.Max(Math.Abs(min), Math.Abs(max)) > int.MaxValue))
            throw Bad(name, min, max, "the option is an integer and so must be both ends");
        (Min, Max, Log, Integer) = (min, max, log, integer);
        // An integer owns the half unit on either side, or the ends would be drawn half as often as the others.
        double half = integer ? 0.5 : 0;
        (_low, _high) = (Scale(min - half), Scale(max + half));
        Default = Nearest(@default);
    }

    public double Min { get; }

    public double Max { get; }

    public bool Log { get; }

    public bool Integer { get; }

    /// <summary>Whether the range is not a user's.</summary>
    public bool IsUsual { get; init; }

    public override object Default { get; }

    public override object At(double unit)
    {
        double scaled = _low + unit * (_high - _low);
        return Nearest(Log ? Math.Exp(scaled) : scaled);
    }

    /// <summary>The value of the range that is nearest to a number.</summary>
    public object Nearest(double value) => Value(Math.Clamp(value, Min, Max));

    /// <summary>Where a value lies on the unit interval.</summary>
    public double UnitOf(object value) => (Scale(Convert.ToDouble(value, CultureInfo.InvariantCulture)) - _low) / (_high - _low);

    public override IReadOnlyList<object?> Grid(int steps)
    {
        if (steps == 1)
            return [Default];
        double first = Scale(Min), last = Scale(Max);
        object At(int i)
        {
            double scaled = first + (last - first) * i / (steps - 1);
            return Nearest(Log ? Math.Exp(scaled) : scaled);
        }
        return [.. Enumerable.Range(0, steps).Select(At).Distinct()];
    }

    public override object Parse(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Number || !json.TryGetDouble(out double value) || value < Min || value > Max || (Integer && value != Math.Round(value)))
            throw Foreign(json);
        return Value(value);
    }

    public override string Describe() => string.Create(CultureInfo.InvariantCulture, $"[{Min}, {Max}]{(Integer ? " integer" : "")}{(Log ? " log" : "")}");

    private double Scale(double value) => Log ? Math.Log(value) : value;

    private object Value(double value) => Integer ? (object)(int)Math.Round(value) : value;

    private static ArgumentException Bad(string name, double min, double max, string why)
        => new(string.Create(CultureInfo.InvariantCulture, $"The range {min} to {max} of {name} cannot be searched: {why}."), nameof(min));
}
