using static Microsoft.ML.Peft.Cli.Projects.CSharpName;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>Program.cs of a program for the terminal.</summary>
internal static class ConsoleCode
{
    public static string Text(TrainingConfig config, string project)
    {
        var columns = new ModelColumns(config);
        string none = columns.Texts.Count == 1 ? "[_]" : "[_, _]", words = columns.Texts.Count == 1 ? "TEXT" : "TEXT SECOND";
        string input = string.Join(", ", columns.Texts.Select((text, i) => $"{text.Property} = args.Length == 0 ? {Literal(config.Example[i])} : args[{i}]"));
        return $$"""
            using {{config.Name}} = {{project}}.{{config.Name}};

            Console.OutputEncoding = System.Text.Encoding.UTF8;
            switch (args)
            {
                case ["--train", var file]:
                    {{config.Name}}.Train(file, {{Literal(config.Name + ".zip")}});
                    Console.WriteLine("Saved {{config.Name}}.zip; the next build copies it beside the program.");
                    return 0;
                case ["--evaluate", var file]:
                    var metrics = {{config.Name}}.Evaluate(file);
                    Console.WriteLine({{Metrics(config.Scenario)}});
                    return 0;
                case [] or {{none}}:
                    var input = new {{config.Name}}.ModelInput { {{input}} };
            {{Show(config, columns)}}
                    return 0;
                default:
                    Console.Error.WriteLine("Usage: dotnet run -- {{words}}, or nothing for an example; --train FILE; or --evaluate FILE");
                    return 2;
            }

            """;
    }

    private static string Metrics(PredictionTask task) => task switch
    {
        PredictionTask.Multiclass => "$\"Accuracy {metrics.MicroAccuracy:P1}, macro accuracy {metrics.MacroAccuracy:P1}, log-loss {metrics.LogLoss:0.000}\"",
        PredictionTask.Binary => "$\"Accuracy {metrics.Accuracy:P1}, AUC {metrics.AreaUnderRocCurve:0.000}, F1 {metrics.F1Score:0.000}\"",
        PredictionTask.Regression => "$\"R² {metrics.RSquared:0.000}, mean absolute error {metrics.MeanAbsoluteError:0.000}\"",
        _ => "$\"ROUGE-L {metrics.RougeL:0.000}, BLEU-4 {metrics.Bleu4:0.000}\"",
    };

    private static string Show(TrainingConfig config, ModelColumns columns)
    {
        string texts = string.Join("\n", columns.Texts.Select(text => $"        Console.WriteLine(input.{text.Property});"));
        return texts + "\n" + config.Scenario switch
        {
            PredictionTask.Multiclass or PredictionTask.Binary => $$"""
                        foreach (var (label, score) in {{config.Name}}.PredictAllLabels(input))
                            Console.WriteLine($"{score,8:P1}  {label}");
                """,
            PredictionTask.Regression => $$"""
                        Console.WriteLine($"  → {{{config.Name}}.Predict(input).Score:0.###}");
                """,
            _ => $$"""
                        Console.WriteLine($"  → {{{config.Name}}.Predict(input).GeneratedText}");
                """,
        };
    }
}
