using Microsoft.ML.Peft;
using Spectre.Console;

namespace BringYourOwnModel;

/// <summary>What the program says.</summary>
internal static class Report
{
    private const int ClassesShown = 3;

    public static void Model(ModelDescription model)
    {
        var shape = model.Configuration;
        string stored = string.Join(", ", model.NumberFormats.Select(format => format.Key));
        AnsiConsole.WriteLine($"{(model.IsGguf ? "GGUF file" : "Directory")} '{Path.GetFileName(model.Path)}': {shape.ModelType} {model.Architecture}, {shape.Layers} layers of {shape.HiddenSize}");
        AnsiConsole.WriteLine($"Weights: {model.Parameters / 1e6:0.0} million ({stored}); tokenizer: {model.Tokenizer}, {model.TokenizerVocabulary} tokens");
    }

    public static void Adapter(AdapterDescription adapter) =>
        AnsiConsole.WriteLine($"Adapter: {adapter.PeftType} for {adapter.TaskType}, {adapter.VirtualTokens} virtual tokens, trained on '{adapter.BaseModel}'");

    public static void Text(string text) => AnsiConsole.WriteLine($"  →{text}");

    public static void Value(float value) => AnsiConsole.WriteLine($"  → {value:0.###}");

    /// <summary>Adapters of Hugging Face PEFT do not say what their classes are called.</summary>
    public static void Classes(IReadOnlyList<float> probabilities, IReadOnlyList<string>? labels)
    {
        var classes = probabilities.Select((probability, i) => (Name: labels?[i] ?? $"class {i}", probability)).OrderByDescending(one => one.probability);
        AnsiConsole.WriteLine("  → " + string.Join(", ", classes.Take(ClassesShown).Select(one => $"{one.Name} {one.probability:P0}")));
    }
}
