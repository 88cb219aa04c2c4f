using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>The project's README.</summary>
internal static class ReadmeText
{
    // Apostrophes are escaped: the text stands between them in a shell.
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public static string Text(TrainingConfig config, LibraryReference library) => $$"""
        # {{config.Name}}

        {{Purpose(config)}}
        {{(config.RunHistory is { } history ? "\n" + history.Summary + "\n" : "")}}
        {{(config.Project == ProjectKind.WebApi ? WebApi(config) : Console(config))}}
        ## Files

        | File | Content |
        |---|---|
        | `{{config.Name}}.consumption.cs` | `{{config.Name}}.Predict`{{(HasClasses(config) ? $" and `{config.Name}.PredictAllLabels`" : "")}}, the rows and predictions as classes |
        | `{{config.Name}}.training.cs` | the pipeline with its options, and training it anew |
        | `{{config.Name}}.evaluate.cs` | `{{config.Name}}.Evaluate` on a file of rows |
        {{(config.Project == ProjectKind.WebApi ? $"| `{config.Name}.serving.cs` | a pool of prediction engines for requests at the same time |\n" : "")}}| `Program.cs` | {{(config.Project == ProjectKind.WebApi ? "the API" : "predicts, trains and evaluates from the terminal")}} |
        | `{{config.Name}}.zip` | the model: soft prompt and head, without the frozen model |
        {{(config.DataSource is { } data ? Invariant($"| `{data.FilePath}` | a copy of the {data.Rows} training rows |\n") : "")}}| `{{config.Name}}{{TrainingConfig.FileEnding}}` | what was trained, with which options, and how good it was; `peftml new` makes further projects from it |

        {{library.Explanation}}

        """;

    private static bool HasClasses(TrainingConfig config) => config.Scenario is PredictionTask.Multiclass or PredictionTask.Binary;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static string Purpose(TrainingConfig config)
    {
        var columns = new ModelColumns(config);
        string what = config.Scenario switch
        {
            PredictionTask.Multiclass => "Predicts a class, the column",
            PredictionTask.Binary => "Predicts true or false, the column",
            PredictionTask.Regression => "Predicts a number, the column",
            _ => "Writes a text, the column",
        };
        return $"{what} {Code(columns.Label.Column)}, from {string.Join(" and ", columns.Texts.Select(text => Code(text.Column)))}. Made by `peftml`, yours to change.";
    }

    private static string Console(TrainingConfig config)
    {
        string file = config.DataSource?.FilePath ?? "rows.csv";
        string text = config.Example.Count == 1 ? "\"a text\"" : "\"a text\" \"a second text\"";
        return $$"""
            ```sh
            dotnet run                                  # predicts on an example
            dotnet run -- {{text}}
            dotnet run -- --evaluate {{file}}
            dotnet run -- --train {{file}}    # trains anew, and replaces {{config.Name}}.zip
            ```

            Files of rows are comma-separated UTF-8, quoted where need be, with a line of names above: {{Columns(config)}}.

            """;
    }

    private static string WebApi(TrainingConfig config)
    {
        var columns = new ModelColumns(config);
        string body = JsonSerializer.Serialize(columns.Texts.Select((text, i) => KeyValuePair.Create(text.Column, config.Example[i])).ToDictionary(), Json);
        return $$"""
            ```sh
            dotnet run
            curl http://localhost:5000/predict -H 'Content-Type: application/json' -d '{{body}}'
            curl http://localhost:5000/health
            curl http://localhost:5000/openapi/v1.json
            ```

            Requests at the same time have prediction engines of their own, over one model. `{{config.Name}}.Train` trains anew, on files of rows that are
            comma-separated UTF-8, quoted where need be, with a line of names above: {{Columns(config)}}.

            """;
    }

    private static string Columns(TrainingConfig config) => string.Join(", ", new ModelColumns(config).All.Select(column => Code(column.Column)));

    private static string Code(string name) => $"`{name.ReplaceLineEndings(" ").Replace('`', '\'')}`";
}
