using System.Linq.Expressions;
using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>The searched options of one method. Every change gives a new sweep and leaves this one as it is.</summary>
/// <typeparam name="TOptions">The method's options class.</typeparam>
public sealed class PeftSweep<TOptions> : PeftSweep where TOptions : SoftPromptOptions, new()
{
    private readonly TOptions _options;
    private readonly IReadOnlyList<(SweptOption Option, Dimension Dimension)> _searched;

    /// <summary>Searches what the options class marks with ML.NET's sweep attributes ([Range], [Choice], [BooleanChoice]).</summary>
    /// <param name="method">A name for the method, unique within an experiment.</param>
    /// <param name="options">
    /// The values of what is not searched, and the first trial's of what is. Columns, data, epochs, seed and cancellation are the
    /// experiment's. Null: the defaults.
    /// </param>
    /// <exception cref="ArgumentException">The name is empty, or an option is out of its range.</exception>
    public PeftSweep(string method, TOptions? options = null)
        : this(Named(method), Own(options ?? new TOptions()), null)
    {
    }

    private PeftSweep(string method, TOptions options, IReadOnlyList<(SweptOption, Dimension)>? searched) : base(method)
    {
        _options = options;
        _searched = [.. (searched ?? [.. SweptOption.Attributed(WithLearningRate(options))]).Where(pair => !IsIdle(pair.Item1.Name))];
        Space = new MethodSpace(method, [.. _searched.Select(pair => pair.Dimension)]);
    }

    internal override MethodSpace Space { get; }

    internal int? BatchSize => _options.BatchSize;

    /// <summary>Searches an option from a minimum to a maximum, both inclusive.</summary>
    /// <param name="option">The option, such as `o => o.LearningRate`; a number.</param>
    /// <param name="min">The smallest value.</param>
    /// <param name="max">The largest value.</param>
    /// <param name="log">Whether factors count rather than differences, as with learning rates. The range must lie above 0.</param>
    /// <exception cref="ArgumentException">The range is empty, or the option does not allow it.</exception>
    public PeftSweep<TOptions> WithRange(Expression<Func<TOptions, double?>> option, double min, double max, bool log = false)
    {
        ArgumentNullException.ThrowIfNull(option);
        var swept = SweptOption.Of(option);
        return With(swept, swept.Range(WithLearningRate(_options), min, max, log));
    }

    /// <summary>A range of this library's own choice, which generation may adapt.</summary>
    internal PeftSweep<TOptions> WithUsualRange(Expression<Func<TOptions, double?>> option, double min, double max)
    {
        var swept = SweptOption.Of(option);
        return With(swept, swept.Range(WithLearningRate(_options), min, max, log: true) with { IsUsual = true });
    }

    /// <summary>Searches an option among a few values.</summary>
    /// <typeparam name="TValue">The option's type.</typeparam>
    /// <param name="option">The option, such as `o => o.Initialization`.</param>
    /// <param name="values">The values. The first is tried first, unless the options' own value is among them.</param>
    /// <exception cref="ArgumentException">There are no values, one appears twice, or the option does not allow one.</exception>
    public PeftSweep<TOptions> WithChoice<TValue>(Expression<Func<TOptions, TValue>> option, params TValue[] values)
    {
        ArgumentNullException.ThrowIfNull(option);
        ArgumentNullException.ThrowIfNull(values);
        var swept = SweptOption.Of(option);
        return With(swept, swept.Choice(_options, values.Cast<object?>()));
    }

    /// <summary>Fixes an option, so that it is not searched.</summary>
    /// <typeparam name="TValue">The option's type.</typeparam>
    /// <param name="option">The option, such as `o => o.BatchSize`.</param>
    /// <param name="value">Its value in all trials.</param>
    /// <exception cref="ArgumentException">The option does not allow the value.</exception>
    public PeftSweep<TOptions> WithValue<TValue>(Expression<Func<TOptions, TValue>> option, TValue value)
    {
        ArgumentNullException.ThrowIfNull(option);
        var swept = SweptOption.Of(option);
        var options = (TOptions)_options.CheckedCopy();
        swept.Set(options, value);
        return new PeftSweep<TOptions>(Method, Own(options), [.. _searched.Where(pair => pair.Option.Name != swept.Name)]);
    }

    /// <summary>The same sweep under another name, so that an experiment can search a method twice.</summary>
    /// <param name="method">The name.</param>
    public PeftSweep<TOptions> WithName(string method) => new(Named(method), _options, _searched);

    internal override SoftPromptOptions CreateOptions(Configuration configuration)
    {
        var options = _options.CheckedCopy();
        foreach (var ((option, _), value) in _searched.Zip(configuration.Values))
            option.Set(options, value);
        return Checked(options);
    }

    internal override PeftSweep Without(string option, object value)
    {
        int index = _searched.ToList().FindIndex(pair => pair.Option.Name == option);
        if (index < 0 || _searched[index].Dimension is not ChoiceDimension choice || choice.IndexOf(value) < 0)
            return this;
        var swept = _searched[index].Option;
        return With(swept, swept.Choice(_options, choice.Values.Where(other => !Equals(other, value))));
    }

    internal override PeftSweep ForGeneration()
    {
        double Rate(bool encoderDecoder) => GenerationTrainer.LearningRate(_options.ToMethodSettings(), encoderDecoder, _options.ToTrainingSettings(0, null));
        return new PeftSweep<TOptions>(Method, _options,
        [
            .. from pair in _searched
               where pair.Option.Name is not (nameof(SoftPromptOptions.HeadLearningRate) or nameof(SoftPromptOptions.LabelSmoothing))
               select pair.Dimension is NumericDimension { Name: nameof(SoftPromptOptions.LearningRate) } range
                   // Which family the model is of is not known yet; the usual range reaches to the rate of all.
                   ? (pair.Option, new NumericDimension(range.Name, range.Min, range.IsUsual ? Math.Max(range.Max, Rate(true)) : range.Max, range.Log, range.Integer, Rate(false))) : pair,
        ]);
    }

    internal override PeftSweep WithModels(IReadOnlyList<string> models) => WithChoice(o => o.Model, [.. models]);

    /// <summary>A head of label words is not trained.</summary>
    private bool IsIdle(string option) => _options.Head == ClassificationHead.LabelWords && option == nameof(SoftPromptOptions.HeadLearningRate);

    private PeftSweep<TOptions> With(SweptOption option, Dimension dimension)
    {
        if (IsIdle(option.Name))
            return this;
        var others = _searched.ToList();
        int index = others.FindIndex(pair => pair.Option.Name == option.Name);
        if (index >= 0)
            others[index] = (option, dimension);
        else
            others.Add((option, dimension));
        var sweep = new PeftSweep<TOptions>(Method, _options, others);
        // The ends of a range, or each choice, with everything else at its default: what a trial would refuse is refused now.
        foreach (object? value in dimension.Grid(2))
            sweep.CreateOptions(new Configuration(sweep.Space, [.. others.Select(pair => pair.Option.Name == option.Name ? value : pair.Dimension.Default)]));
        return sweep;
    }

    private static TOptions Own(TOptions options)
    {
        if (options.MaxEpochs is not null || options.ValidationSet is not null || options.Seed is not null || options.CheckpointDirectory is not null)
            throw new ArgumentException(
                "MaxEpochs, ValidationSet, Seed and CheckpointDirectory belong to the experiment; use its SetMaxEpochs, SetDataset, SetSeed and SetCheckpoint and leave them null in the options.",
                nameof(options));
        var own = (TOptions)Checked(options);
        if (own.Head == ClassificationHead.LabelWords)
            own.Model ??= ModelLocator.DefaultDecoder;      // as an estimator with such a head does
        return own;
    }

    private static SoftPromptOptions Checked(SoftPromptOptions options)
    {
        var copy = options.CheckedCopy();
        copy.ToMethodSettings();
        return copy;
    }

    /// <summary>With the method's own learning rate where none is given: the value that is tried first.</summary>
    private static TOptions WithLearningRate(TOptions options)
    {
        var copy = (TOptions)options.CheckedCopy();
        copy.LearningRate ??= SoftPromptTrainer.LearningRate(copy.ToMethodSettings(), copy.ToTrainingSettings(0, null));
        return copy;
    }

    private static string Named(string method)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(method);
        return method;
    }
}
