using static Microsoft.ML.Peft.Cli.Projects.CSharpName;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>Program.cs of a web API, and the file that serves requests at the same time.</summary>
internal static class WebApiCode
{
    public static string Program(TrainingConfig config, string project) => $$"""
        using {{config.Name}} = {{project}}.{{config.Name}};

        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddOpenApi();
        builder.Services.AddHealthChecks();
        builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.RespectNullableAnnotations = true);
        builder.Services.AddSingleton<{{config.Name}}.EnginePool>();

        var app = builder.Build();
        app.Services.GetRequiredService<{{config.Name}}.EnginePool>();      // a model that cannot be loaded ends the program here
        app.MapOpenApi();
        app.MapHealthChecks("/health");
        app.MapPost("/predict", ({{config.Name}}.PredictionRequest request, {{config.Name}}.EnginePool engines) => engines.Predict(request)).WithName("Predict");
        await app.RunAsync();

        """;

    public static string Serving(TrainingConfig config, string project)
    {
        var columns = new ModelColumns(config);
        return $$"""
            using System.Text.Json.Serialization;
            using Microsoft.Extensions.ObjectPool;
            using Microsoft.ML;

            namespace {{project}};

            public static partial class {{config.Name}}
            {
                /// <summary>What is to be predicted on.</summary>
                public sealed class PredictionRequest
                {
            {{string.Join("\n\n", columns.Texts.Select(Property))}}
                }

            {{Response(config.Scenario)}}

                /// <summary>Prediction engines for requests at the same time; they share one model.</summary>
                public sealed class EnginePool : IDisposable
                {
                    private readonly ITransformer _model;
                    private readonly ObjectPool<PredictionEngine<ModelInput, ModelOutput>> _engines;

                    /// <summary>Loads the model.</summary>
                    public EnginePool()
                    {
                        var mlContext = new MLContext();
                        _model = LoadModel(mlContext);
                        _engines = new DefaultObjectPoolProvider().Create(new EnginePolicy(mlContext, _model));
                    }

                    /// <summary>Predicts; for any number of threads at the same time.</summary>
                    public PredictionResponse Predict(PredictionRequest request)
                    {
                        var input = new ModelInput { {{string.Join(", ", columns.Texts.Select(text => $"{text.Property} = request.{text.Property}"))}} };
                        var engine = _engines.Get();
                        try
                        {
            {{Answer(config.Scenario)}}
                        }
                        finally
                        {
                            _engines.Return(engine);
                        }
                    }

                    /// <summary>Frees the engines and the model.</summary>
                    public void Dispose()
                    {
                        (_engines as IDisposable)?.Dispose();
                        (_model as IDisposable)?.Dispose();
                    }
                }

                private sealed class EnginePolicy(MLContext mlContext, ITransformer model) : PooledObjectPolicy<PredictionEngine<ModelInput, ModelOutput>>
                {
                    public override PredictionEngine<ModelInput, ModelOutput> Create() =>
                        mlContext.Model.CreatePredictionEngine<ModelInput, ModelOutput>(model, new PredictionEngineOptions { OwnsTransformer = false });

                    public override bool Return(PredictionEngine<ModelInput, ModelOutput> obj) => true;
                }
            }

            """;
    }

    private static string Property((string Column, string Property) text) => $$"""
                    [JsonPropertyName({{Literal(text.Column)}})]
                    public required string {{text.Property}} { get; init; }
            """;

    private static string Response(PredictionTask task) => task switch
    {
        PredictionTask.Multiclass => """
                /// <summary>The likeliest class, and all classes with their probabilities, the likeliest first.</summary>
                public sealed record PredictionResponse(string PredictedLabel, OrderedDictionary<string, float> Scores);
            """,
        PredictionTask.Binary => """
                /// <summary>Whether it is likelier true than false, and the probability of true.</summary>
                public sealed record PredictionResponse(bool PredictedLabel, float Probability);
            """,
        PredictionTask.Regression => """
                /// <summary>The value.</summary>
                public sealed record PredictionResponse(float Score);
            """,
        _ => """
                /// <summary>The text that the model writes.</summary>
                public sealed record PredictionResponse(string GeneratedText);
            """,
    };

    private static string Answer(PredictionTask task) => task switch
    {
        PredictionTask.Multiclass => """
                            var labels = PredictAllLabels(engine, input);
                            return new PredictionResponse(labels[0].Key, new OrderedDictionary<string, float>(labels));
            """,
        PredictionTask.Binary => """
                            var output = engine.Predict(input);
                            return new PredictionResponse(output.PredictedLabel, output.Probability);
            """,
        PredictionTask.Regression => """
                            return new PredictionResponse(engine.Predict(input).Score);
            """,
        _ => """
                            return new PredictionResponse(engine.Predict(input).GeneratedText);
            """,
    };
}
