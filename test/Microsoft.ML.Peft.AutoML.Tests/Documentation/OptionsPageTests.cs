using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>docs/options.md says of every option what the code does.</summary>
public sealed partial class OptionsPageTests
{
    private const string Page = "docs/options.md";

    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>The public classes of options.</summary>
    private static readonly Type[] Classes =
    [
        .. new[] { typeof(SoftPromptOptions).Assembly, typeof(PeftExperiment).Assembly }.SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => type.IsClass && (type.Name.EndsWith("Options", StringComparison.Ordinal) || type.Name.EndsWith("Settings", StringComparison.Ordinal))),
    ];

    public static TheoryData<string> ClassNames => [.. Classes.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(ClassNames))]
    public void Each_option_has_its_row_with_type_and_default(string name)
    {
        var (type, rows) = Section(name);
        var expected = Options(type).Select(option => $"{option.Name} | {TypeName(option)} | {Shown(option.GetValue(Create(type)))}");
        var actual = rows.Select(row => $"{row[0].Text} | {row[1].Text} | {row[2].Codes.FirstOrDefault()}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(ClassNames))]
    public void Values_within_a_range_are_taken_and_values_outside_are_refused(string name)
    {
        var (type, rows) = Section(name);
        foreach (var option in Options(type).Where(IsNumber))
        {
            string range = rows.Single(row => row[0].Text == option.Name)[3].Text;
            foreach (double value in Inside(range, option))
                Check(type, option, value);
            foreach (double value in Outside(range, option))
                Assert.True(Assert.ThrowsAny<Exception>(() => Check(type, option, value)) is ArgumentException, $"{option.Name} = {value} is not refused as an argument.");
        }
    }

    [Theory]
    [MemberData(nameof(ClassNames))]
    public void The_values_of_a_choice_are_all_named(string name)
    {
        var (type, rows) = Section(name);
        foreach (var option in Options(type).Where(option => option.PropertyType.IsEnum))
            Assert.Equal(Enum.GetNames(option.PropertyType), rows.Single(row => row[0].Text == option.Name)[3].Codes);
    }

    [Theory]
    [InlineData("prompt tuning", 0.03, 0.05, 0.3)]
    [InlineData("prefix tuning", 0.03, 0.03, 0.03)]
    [InlineData("prefix tuning with Projection", 0.001, 0.001, 0.001)]
    [InlineData("P-tuning", 0.003, 0.003, 0.003)]
    public void Default_learning_rates_are_those_of_training(string method, double head, double writing, double writingOnT5)
    {
        Methods.MethodSettings settings = method switch
        {
            "prompt tuning" => new Methods.PromptTuningSettings(1),
            "prefix tuning" => new Methods.PrefixTuningSettings(1),
            "P-tuning" => new Methods.PTuningSettings(1),
            _ => new Methods.PrefixTuningSettings(1) { Projection = true },
        };
        var training = new Training.TrainingSettings();
        Assert.Equal(head, Training.SoftPromptTrainer.LearningRate(settings, training));
        Assert.Equal(writing, Training.GenerationTrainer.LearningRate(settings, encoderDecoder: false, training));
        Assert.Equal(writingOnT5, Training.GenerationTrainer.LearningRate(settings, encoderDecoder: true, training));

        var row = MarkdownFile.Read(Page).RowsUnder("Default learning rates").Single(row => row[0].Text == method);
        Assert.Equal(Shown(head), row[1].Text);
        Assert.Equal(writing == writingOnT5 ? Shown(writing) : $"{Shown(writing)}; on a T5 {Shown(writingOnT5)}", row[2].Text);
    }

    private static (Type Type, IReadOnlyList<IReadOnlyList<Cell>> Rows) Section(string name)
        => (Classes.Single(type => type.Name == name), [.. MarkdownFile.Read(Page).RowsUnder(name).Where(row => row.Count == 5)]);

    private static IEnumerable<PropertyInfo> Options(Type type)
        => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(property => property.GetMethod!.IsPublic);

    /// <summary>With default values; of the class that methods share, by way of a method.</summary>
    private static object Create(Type type) => Activator.CreateInstance(type.IsAbstract ? typeof(PromptTuningOptions) : type)!;

    private static string TypeName(PropertyInfo option)
    {
        bool nullable = Nullable.GetUnderlyingType(option.PropertyType) is not null || Nullability.Create(option).ReadState == NullabilityState.Nullable;
        return Name(Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType) + (nullable ? "?" : "");
    }

    private static string Name(Type type) => type switch
    {
        { IsGenericType: true } => $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>",
        { IsEnum: true } => type.Name,
        _ => Type.GetTypeCode(type) switch
        {
            TypeCode.String => "string",
            TypeCode.Int32 => "int",
            TypeCode.UInt32 => "uint",
            TypeCode.Double => "double",
            TypeCode.Boolean => "bool",
            _ => type.Name,
        },
    };

    private static string Shown(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string or Enum => value.ToString()!,
        CancellationToken => "default",
        IEnumerable list => Assert.IsType<string>(list.Cast<object>().Any() ? null : "[]"),
        IFormattable number and (int or uint or double) => number.ToString(null, CultureInfo.InvariantCulture),
        _ => "new()",
    };

    private static bool IsNumber(PropertyInfo option) => (Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType) is var type
        && !type.IsEnum && Type.GetTypeCode(type) is TypeCode.Int32 or TypeCode.UInt32 or TypeCode.Double;

    /// <summary>The bounds that a range names, and values beside them within it.</summary>
    private static IEnumerable<double> Inside(string range, PropertyInfo option)
    {
        var (least, open, most) = Parse(range, option);
        if (least is { } low)
            yield return open ? low + Step(option) : low;
        if (most is { } high)
            yield return high;
    }

    private static IEnumerable<double> Outside(string range, PropertyInfo option)
    {
        var (least, open, most) = Parse(range, option);
        if (least is { } low && !(low == 0 && option.PropertyType == typeof(uint)))
            yield return open ? low : low - Step(option);
        if (most is { } high)
            yield return high + Step(option);
    }

    private static double Step(PropertyInfo option) => (Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType) == typeof(double) ? 1e-6 : 1;

    /// <summary>`any`, `at least A`, `above A`, `above A, at most B` and `A to B`, where B may be another option.</summary>
    private static (double? Least, bool Open, double? Most) Parse(string range, PropertyInfo option)
    {
        var match = Range().Match(range);
        Assert.True(match.Success, $"{Page} gives {option.Name} the range '{range}'; write 'any', 'at least A', 'above A', 'above A, at most B' or 'A to B'.");
        double? Number(string group) => match.Groups[group] is not { Success: true, Value: var text } ? null
            : double.TryParse(text, CultureInfo.InvariantCulture, out double value) ? value
            : Convert.ToDouble(option.DeclaringType!.GetProperty(text)!.GetValue(Create(option.DeclaringType)), CultureInfo.InvariantCulture);
        return (Number("least"), match.Groups["open"].Success, Number("most"));
    }

    /// <summary>Gives the option a value, and the options to what checks them.</summary>
    private static void Check(Type type, PropertyInfo option, double value)
    {
        object options = Create(type);
        option.SetValue(options, Convert.ChangeType(value, Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType, CultureInfo.InvariantCulture));
        switch (options)
        {
            case SoftPromptOptions method:
                method.CheckedCopy().ToMethodSettings();
                break;
            case GenerationOptions generation:
                generation.Check();
                break;
            case PeftExperimentSettings settings:
                settings.Apply(new MLContext().Peft().CreateExperiment());
                break;
            default:
                Assert.Fail($"Nothing here checks {type.Name}; say what does.");
                break;
        }
    }

    [GeneratedRegex(@"^(any|at least (?<least>\S+)|(?<open>above )(?<least>[^\s,]+)(, at most (?<most>\S+))?|(?<least>\S+) to (?<most>\S+))$", RegexOptions.ExplicitCapture)]
    private static partial Regex Range();
}
