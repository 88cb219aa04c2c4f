using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Options as the C# that creates them.</summary>
internal static class CSharpCode
{
    // JSON's escapes are C#'s too, and this encoder leaves letters of all languages as they are.
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What belongs to a running program, and no code can stand for.</summary>
    internal static readonly Type[] Unwritable = [typeof(IDataView), typeof(CancellationToken), typeof(IProgress<TrainingProgress>)];

    /// <summary>An object initialiser with one line for each property that differs from a new object's; those that no code can stand for are left out.</summary>
    public static string Of(object options)
    {
        string type = options.GetType().Name;
        var lines = Differences(options).Select(difference => $"    {difference},\n").ToList();
        return lines.Count == 0 ? $"new {type}()" : $"new {type}\n{{\n{string.Concat(lines)}}}";
    }

    private static IEnumerable<string> Differences(object value)
    {
        object usual = Activator.CreateInstance(value.GetType())!;
        return from property in value.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).OrderBy(property => property.MetadataToken)
               where property.SetMethod is { IsPublic: true } && !Unwritable.Contains(property.PropertyType)
               let code = Value(property.GetValue(value))
               where code != Value(property.GetValue(usual))
               select $"{property.Name} = {code}";
    }

    private static string Value(object? value) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        string text => JsonSerializer.Serialize(text, Json),
        double number => Number(number),
        Enum choice => Enum.IsDefined(choice.GetType(), choice) ? $"{choice.GetType().Name}.{choice}" : $"({choice.GetType().Name})({choice:D})",
        int number => number.ToString(CultureInfo.InvariantCulture),
        IEnumerable<KeyValuePair<string, string>> pairs => Braces("new Dictionary<string, string>", pairs.Select(pair => $"[{Value(pair.Key)}] = {Value(pair.Value)}")),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Value))}]",
        _ => Braces($"new {value.GetType().Name}", Differences(value)),
    };

    private static string Number(double number) => double.IsFinite(number) ? number.ToString("R", CultureInfo.InvariantCulture)
        : double.IsNaN(number) ? "double.NaN" : number > 0 ? "double.PositiveInfinity" : "double.NegativeInfinity";

    private static string Braces(string type, IEnumerable<string> parts)
    {
        string inner = string.Join(", ", parts);
        return inner.Length == 0 ? type + "()" : $"{type} {{ {inner} }}";
    }
}
