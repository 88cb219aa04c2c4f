using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.ML.SearchSpace;

namespace Microsoft.ML.Peft.AutoML.Spaces;

/// <summary>A property of an options class as something to search: found by name, attribute or expression, and set by reflection.</summary>
internal sealed class SweptOption
{
    /// <summary>What belongs to the experiment and not to a trial.</summary>
    private static readonly string[] Reserved =
    [
        nameof(SoftPromptOptions.LabelColumnName), nameof(SoftPromptOptions.TextColumnName), nameof(SoftPromptOptions.SecondTextColumnName),
        nameof(SoftPromptOptions.PredictedLabelColumnName), nameof(SoftPromptOptions.ScoreColumnName), nameof(SoftPromptOptions.ProbabilityColumnName), nameof(SoftPromptOptions.GeneratedTextColumnName),
        nameof(SoftPromptOptions.MaxEpochs), nameof(SoftPromptOptions.ValidationSet), nameof(SoftPromptOptions.ValidationFraction),
        nameof(SoftPromptOptions.Seed), nameof(SoftPromptOptions.CancellationToken), nameof(SoftPromptOptions.CheckpointDirectory), nameof(SoftPromptOptions.Head),
    ];

    private readonly PropertyInfo _property;

    private SweptOption(PropertyInfo property)
    {
        if (Reserved.Contains(property.Name))
            throw new ArgumentException($"{property.Name} is set by the experiment and cannot be searched.", nameof(property));
        if (property.SetMethod is not { IsPublic: true })
            throw new ArgumentException($"{property.DeclaringType!.Name}.{property.Name} cannot be set and so cannot be searched.", nameof(property));
        _property = property;
    }

    public string Name => _property.Name;

    private Type Type => Nullable.GetUnderlyingType(_property.PropertyType) ?? _property.PropertyType;

    private bool IsInteger => Type == typeof(int);

    /// <summary>The option that an expression like `o => o.VirtualTokens` names.</summary>
    public static SweptOption Of(LambdaExpression expression)
    {
        var body = expression.Body;
        while (body is UnaryExpression { NodeType: ExpressionType.Convert } conversion)
            body = conversion.Operand;
        return body is MemberExpression { Member: PropertyInfo property, Expression: ParameterExpression }
            ? new SweptOption(property)
            : throw new ArgumentException($"'{expression}' names no option; write the option alone, such as o => o.VirtualTokens.", nameof(expression));
    }

    /// <summary>The options that carry ML.NET's sweep attributes, in the order of their declaration, and their dimensions.</summary>
    public static IEnumerable<(SweptOption Option, Dimension Dimension)> Attributed(SoftPromptOptions options)
    {
        foreach (var property in options.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).OrderBy(property => property.MetadataToken))
        {
            Dimension? Dimension(SweptOption option) =>
                property.GetCustomAttribute<RangeAttribute>() is { } range ? option.Range(options, Number(range.Min), Number(range.Max), range.LogBase, range.Init) :
                property.GetCustomAttribute<ChoiceAttribute>() is { } choice ? option.Choice(options, choice.Candidates) :
                property.GetCustomAttribute<BooleanChoiceAttribute>() is not null ? option.Choice(options, [false, true]) :
                null;
            if (property.GetCustomAttribute<NestOptionAttribute>() is not null)
                throw new NotSupportedException($"{property.Name} is marked [NestOption]; nested options are not searched: mark their parts, or write the ranges in code.");
            if (property.GetCustomAttributes().Any(attribute => attribute is RangeAttribute or ChoiceAttribute or BooleanChoiceAttribute))
            {
                var option = new SweptOption(property);
                yield return (option, Dimension(option)!);
            }
        }
    }

    public NumericDimension Range(SoftPromptOptions options, double min, double max, bool log, object? init = null)
    {
        if (!IsInteger && Type != typeof(double))
            throw new ArgumentException($"{Name} is no number; search it with WithChoice.");
        double middle = log && min > 0 ? Math.Sqrt(min * max) : (min + max) / 2;
        return new NumericDimension(Name, min, max, log, IsInteger, Number(Get(options) ?? init ?? middle));
    }

    public ChoiceDimension Choice(SoftPromptOptions options, IEnumerable<object?> values) => new(Name, [.. values.Select(Converted)], Get(options));

    public object? Get(SoftPromptOptions options) => _property.GetValue(options);

    public void Set(SoftPromptOptions options, object? value) => _property.SetValue(options, Converted(value));

    private object? Converted(object? value) =>
        value is null || Type.IsInstanceOfType(value) ? value :
        Type.IsEnum ? Enum.ToObject(Type, value) :
        Convert.ChangeType(value, Type, CultureInfo.InvariantCulture);

    private static double Number(object value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);
}
