using System.Text.Json.Serialization;
using Microsoft.Extensions.ObjectPool;
using Microsoft.ML;

namespace TicketsApi;

public static partial class TicketModel
{
    /// <summary>What is to be predicted on.</summary>
    public sealed class PredictionRequest
    {
        [JsonPropertyName("Text")]
        public required string Text { get; init; }
    }

    /// <summary>The likeliest class, and all classes with their probabilities, the likeliest first.</summary>
    public sealed record PredictionResponse(string PredictedLabel, OrderedDictionary<string, float> Scores);

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
            var input = new ModelInput { Text = request.Text };
            var engine = _engines.Get();
            try
            {
                var labels = PredictAllLabels(engine, input);
                return new PredictionResponse(labels[0].Key, new OrderedDictionary<string, float>(labels));
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
