using System.Text.Json;

// Stand-ins for Microsoft.ML.SearchSpace with as much of its behaviour as the bridge uses; ContractTests compares their signatures with the package's.

namespace Microsoft.ML.SearchSpace
{
    public class SearchSpace : Option.OptionBase
    {
        private readonly Dictionary<string, Option.OptionBase> _options = [];

        public ICollection<string> Keys => _options.Keys;

        public Option.OptionBase this[string key]
        {
            get => _options[key];
            set => _options[key] = value;
        }

        public void Add(string key, Option.OptionBase value) => _options.Add(key, value);

        public override Parameter SampleFromFeatureSpace(double[] feature) => throw new NotSupportedException();
    }

    public class Parameter
    {
        private readonly object? _value;
        private readonly Dictionary<string, Parameter>? _nested;

        private Parameter(object? value, Dictionary<string, Parameter>? nested) => (_value, _nested) = (value, nested);

        public Parameter this[string key]
        {
            get => _nested![key];
            set => _nested![key] = value;
        }

        public static Parameter FromInt(int value) => new(value, null);

        public static Parameter FromDouble(double value) => new(value, null);

        public static Parameter FromFloat(float value) => new(value, null);

        public static Parameter FromString(string value) => new(value, null);

        public static Parameter CreateNestedParameter(params KeyValuePair<string, Parameter>[] parameters) => new(null, new(parameters));

        public T AsType<T>() => JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(_value))!;

        public bool TryGetValue(string key, out Parameter value) => _nested!.TryGetValue(key, out value!);

        public bool ContainsKey(string key) => _nested!.ContainsKey(key);

        public bool Equals(Parameter other) => _nested is null && Equals(_value, other._value);
    }
}

namespace Microsoft.ML.SearchSpace.Option
{
    public abstract class OptionBase
    {
        public double[] Default { get; protected set; } = [];

        public abstract Parameter SampleFromFeatureSpace(double[] values);
    }

    public class UniformNumericOption : OptionBase
    {
        public UniformNumericOption(double min, double max, bool logBase = false) => (Min, Max, LogBase, Default) = (min, max, logBase, [0]);

        public double Min { get; }

        public double Max { get; }

        public bool LogBase { get; }

        public override Parameter SampleFromFeatureSpace(double[] values) => Parameter.FromDouble(Sample(values));

        private protected double[] Feature(double value) => [LogBase ? Math.Log(value / Min) / Math.Log(Max / Min) : (value - Min) / (Max - Min)];

        private protected double Sample(double[] values) => LogBase ? Min * Math.Pow(Max / Min, values[0]) : Min + values[0] * (Max - Min);
    }

    public class UniformDoubleOption : UniformNumericOption
    {
        public UniformDoubleOption(double min, double max, bool logBase = false, double? defaultValue = null) : base(min, max, logBase)
            => Default = Feature(defaultValue ?? min);
    }

    public class UniformSingleOption : UniformNumericOption
    {
        public UniformSingleOption(float min, float max, bool logBase = false, float? defaultValue = null) : base(min, max, logBase)
            => Default = Feature(defaultValue ?? min);

        public override Parameter SampleFromFeatureSpace(double[] values) => Parameter.FromFloat((float)Sample(values));
    }

    public class UniformIntOption : UniformNumericOption
    {
        public UniformIntOption(int min, int max, bool logBase = false, int? defaultValue = null) : base(min, max, logBase)
            => Default = Feature(defaultValue ?? min);

        /// <summary>The maximum is exclusive.</summary>
        public override Parameter SampleFromFeatureSpace(double[] values) => Parameter.FromInt((int)Math.Floor(Sample(values) + 1e-9));
    }

    public class ChoiceOption : OptionBase
    {
        public ChoiceOption(params object[] choices)
        {
            Choices = [.. choices.Select(choice => choice switch
            {
                string text => Parameter.FromString(text),
                int number => Parameter.FromInt(number),
                null => throw new ArgumentNullException(nameof(choices)),
                _ => throw new NotSupportedException(),
            })];
            Default = [0];
        }

        public ChoiceOption(object[] choices, object defaultChoice) : this(choices) => Default = [Array.IndexOf(choices, defaultChoice) / (double)choices.Length];

        public Parameter[] Choices { get; }

        public override Parameter SampleFromFeatureSpace(double[] values) => Choices[(int)Math.Floor(values[0] * Choices.Length + 1e-9)];
    }
}
