using Microsoft.ML.AutoML;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tuners;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;
using Space = Microsoft.ML.SearchSpace.SearchSpace;

namespace Microsoft.ML.Peft.AutoML.Bridge;

/// <summary>One of the own tuners in a search space of whatever nested options.</summary>
internal sealed class SearchSpaceTuner : Microsoft.ML.AutoML.ITuner
{
    private readonly List<(string[] Path, Dimension Dimension, Func<object?, Parameter> ToParameter)> _options = [];
    private readonly TrialByTrial _tuner;

    /// <param name="space">What is searched.</param>
    /// <param name="tuner">Makes the tuner.</param>
    /// <exception cref="NotSupportedException">The space has an option of an unknown kind.</exception>
    public SearchSpaceTuner(Space space, Func<MethodSpace, Tuners.ITuner> tuner)
    {
        Add([], space);
        _tuner = new TrialByTrial(tuner(new MethodSpace("all options", [.. _options.Select(option => option.Dimension)])));
    }

    public Parameter Propose(TrialSettings settings)
    {
        var parameter = Parameter.CreateNestedParameter();
        foreach (var (option, value) in _options.Zip(_tuner.Ask().Configuration.Values))
            Nested(parameter, option.Path.AsSpan(..^1))[option.Path[^1]] = option.ToParameter(value);
        return parameter;
    }

    public void Update(TrialResult result) => _tuner.Tell(-result.Loss);

    private static Parameter Nested(Parameter parameter, ReadOnlySpan<string> path)
    {
        foreach (string name in path)
        {
            if (!parameter.ContainsKey(name))
                parameter[name] = Parameter.CreateNestedParameter();
            parameter = parameter[name];
        }
        return parameter;
    }

    private void Add(string[] path, OptionBase option)
    {
        string name = string.Join('.', path);
        switch (option)
        {
            case Space space:
                foreach (string key in space.Keys)
                    Add([.. path, key], space[key]);
                break;
            case UniformIntOption range:
                // Its maximum is exclusive.
                _options.Add((path, Range(name, range, range.Max - 1, integer: true), value => Parameter.FromInt((int)value!)));
                break;
            case UniformDoubleOption range:
                _options.Add((path, Range(name, range, range.Max, integer: false), value => Parameter.FromDouble((double)value!)));
                break;
            case UniformSingleOption range:
                _options.Add((path, Range(name, range, range.Max, integer: false), value => Parameter.FromFloat((float)(double)value!)));
                break;
            case ChoiceOption choice:
                int first = Array.FindIndex(choice.Choices, value => value.Equals(choice.SampleFromFeatureSpace(choice.Default)));
                _options.Add((path, new ChoiceDimension(name, [.. Enumerable.Range(0, choice.Choices.Length).Cast<object?>()], Math.Max(first, 0)), value => choice.Choices[(int)value!]));
                break;
            default:
                throw new NotSupportedException($"The option {name} is of the kind {option.GetType().Name}, which this tuner does not search; use another tuner.");
        }
    }

    private static Dimension Range(string name, UniformNumericOption option, double max, bool integer)
    {
        // A range of one value is no range.
        if (option.Min >= max)
            return new ChoiceDimension(name, [integer ? (object)(int)option.Min : option.Min], null);
        return new NumericDimension(name, option.Min, max, option.LogBase, integer, option.SampleFromFeatureSpace(option.Default).AsType<double>());
    }
}
