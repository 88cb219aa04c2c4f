using System.CommandLine;
using Microsoft.ML.Peft.Cli.Output;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>Says what a model, an adapter or a saved pipeline is.</summary>
internal static class InfoCommand
{
    private const int LabelsShown = 12;

    private const string Examples = """
        peftml info tickets.zip
        peftml info all-MiniLM-L6-v2
        peftml info adapters/weather
        """;

    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("info", "Say what a model directory, GGUF file, adapter or .zip is, and what it can do.", Examples);
        var model = new Argument<string>("MODEL") { Description = "A model directory, a .gguf file, an adapter directory, a saved .zip, the name of a model, or owner/name in the cache." };
        verb.Add(model);
        verb.Run(terminal, (parsed, _) =>
        {
            string path = parsed.GetValue(model)!;
            switch (ModelKind.Of(path))
            {
                case ModelKind.Pipeline:
                    Pipeline(terminal, path);
                    break;
                case ModelKind.Adapter:
                    Write(terminal, Adapter(AdapterDescription.Read(path), "adapter directory", path));
                    break;
                default:
                    Write(terminal, Frozen(ModelDescription.Read(Downloads.IsOnHub(path) ? ModelsCommand.InCache(path) : path)));
                    break;
            }
        });
        return verb;
    }

    private static void Pipeline(Terminal terminal, string path)
    {
        using var trained = TrainedModel.Load(new MLContext(1), path);
        var soft = trained.SoftPrompt;
        var history = soft.TrainingHistory;
        var facts = Adapter(soft.Model.Description, "ML.NET pipeline", path);
        facts.Add(new Fact("Columns", $"text '{soft.TextColumnName}'{(soft.SecondTextColumnName is { } second ? $" and '{second}'" : "")}, label '{soft.LabelColumnName}'",
            new { Text = soft.TextColumnName, SecondText = soft.SecondTextColumnName, Label = soft.LabelColumnName }));
        if (history.ValidationMetric is { } metric)
            facts.Add(new Fact("Validation", $"{history.MetricName} {metric:0.0000}{(history.ProbeValidationMetric is { } probe ? $", a linear probe {probe:0.0000}" : "")}; best epoch {history.BestEpoch} of {history.Epochs.Count}",
                new { history.MetricName, Metric = metric, Probe = history.ProbeValidationMetric, history.BestEpoch, Epochs = history.Epochs.Count }));
        Write(terminal, facts);
    }

    private static List<Fact> Adapter(AdapterDescription adapter, string kind, string path)
    {
        string task = adapter.Task is { } known ? $"{known.ToString().ToLowerInvariant()}{(adapter.UsesLabelWords ? " by label words" : "")}" : "classification or regression";
        List<Fact> facts =
        [
            new("Kind", kind), new("Path", Path.GetFullPath(path)), new("Size", Figures.Bytes(Size(path)), Size(path)),
            new("Method", adapter.PeftType), new("Task", task, adapter.Task), new("Base model", adapter.BaseModel ?? "not named", adapter.BaseModel),
            new("Virtual tokens", $"{adapter.VirtualTokens}", adapter.VirtualTokens),
        ];
        if (adapter.Labels is { } labels)
            facts.Add(new Fact("Classes", $"{labels.Count}: {string.Join(", ", labels.Take(LabelsShown))}{(labels.Count > LabelsShown ? ", …" : "")}", labels));
        if (adapter.PromptTemplate is { } template)
            facts.Add(new Fact("Prompt template", template.ReplaceLineEndings("\\n"), template));
        facts.Add(new Fact("Use with", adapter.Task == PredictionTask.Generation ? "generate, predict, evaluate, convert" : "predict, evaluate, convert"));
        return facts;
    }

    private static List<Fact> Frozen(ModelDescription model)
    {
        var shape = model.Configuration;
        long single = model.MemoryBytes(Precision.Float32), half = model.MemoryBytes(Precision.BFloat16);
        string heads = shape.KeyValueHeads == shape.Heads ? $"{shape.Heads} heads" : $"{shape.Heads} heads ({shape.KeyValueHeads} of keys and values)";
        int? positions = shape.MaxPositions == int.MaxValue ? null : shape.MaxPositions;
        string[] abilities = [.. new[] { model.Classifies ? "classification and regression" : null, model.Writes ? "generation" : null, model.ChatFormat is { } format and not "plain" ? $"chat ({format})" : null }.OfType<string>()];
        return
        [
            new("Kind", model.IsGguf ? "GGUF file" : "model directory"), new("Path", model.Path),
            new("Architecture", $"{shape.ModelType}, {model.Architecture}", new { shape.ModelType, Kind = model.Architecture }),
            new("Shape", $"{shape.Layers} layers of {shape.HiddenSize}, {heads}", new { shape.Layers, shape.HiddenSize, shape.Heads, shape.KeyValueHeads, shape.IntermediateSize }),
            new("Most tokens", positions?.ToString() ?? "no limit (relative positions)", positions),
            new("Parameters", $"{Figures.Count(model.Parameters)} ({string.Join(", ", model.NumberFormats.Select(format => format.Key))})", model.Parameters),
            new("Files", Figures.Bytes(model.WeightBytes), model.WeightBytes),
            new("Memory", $"{Figures.Bytes(single)} in 32-bit floats, {Figures.Bytes(half)} in bfloat16", new { Float32 = single, BFloat16 = half }),
            new("Tokenizer", $"{model.Tokenizer}, {model.TokenizerVocabulary} tokens", new { Kind = model.Tokenizer, Vocabulary = model.TokenizerVocabulary }),
            new("Can do", string.Join(", ", abilities), abilities),
        ];
    }

    private static void Write(Terminal terminal, IReadOnlyList<Fact> facts)
    {
        if (terminal.Json)
        {
            terminal.WriteJson(facts.ToDictionary(fact => fact.JsonName, fact => fact.Value));
            return;
        }
        int width = facts.Max(fact => fact.Name.Length) + 2;
        foreach (var fact in facts)
            terminal.Results.MarkupLine($"[bold]{fact.Name.PadRight(width)}[/]{Markup.Escape(fact.Text)}");
    }

    private static long Size(string path) => Directory.Exists(path) ? Directory.EnumerateFiles(path).Sum(file => new FileInfo(file).Length) : new FileInfo(path).Length;

    /// <summary>A line of what is said, and what JSON has in its place.</summary>
    private sealed record Fact(string Name, string Text, object? Value)
    {
        public Fact(string name, string text)
            : this(name, text, text) { }

        public string JsonName => char.ToLowerInvariant(Name[0]) + string.Concat(Name[1..].Split(' ').Select((word, i) => i == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
