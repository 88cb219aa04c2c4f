using Microsoft.ML.Data;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.DataViews;

public sealed class ScoringRowTests
{
    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void A_prediction_engine_scores_each_row_once()
    {
        var scorer = new LengthScorer(outputs: 2);
        using var engine = Engine(scorer);
        Assert.Equal(new Output(false, -3), Read(engine.Predict(new Input { Text = "xyz" })));
        Assert.Equal(new Output(false, -1), Read(engine.Predict(new Input { Text = "x" })));
        Assert.Equal(new Output(false, 0), Read(engine.Predict(new Input { Text = null })));
        Assert.Equal([1, 1, 1], scorer.Batches);
    }

    [Fact]
    public void Several_engines_of_one_transformer_work_at_the_same_time()
    {
        var transformer = new LengthTransformer(TestColumns.Binary, new LengthScorer(outputs: 2));
        Parallel.For(0, 8, worker =>
        {
            using var engine = _context.Model.CreatePredictionEngine<Input, Prediction>(transformer);
            for (int length = 0; length < 50; length++)
                Assert.Equal(-length, engine.Predict(new Input { Text = new string('x', length) }).Score);
        });
    }

    [Fact]
    public void The_mapper_depends_on_the_text_only_for_predictions()
    {
        var input = AnnotatedView.Schema(NumberDataViewType.Single);
        var mapper = new LengthTransformer(TestColumns.Regression, new LengthScorer(outputs: 1)).GetRowToRowMapper(input);
        Assert.Equal(["Label"], mapper.GetDependencies([mapper.OutputSchema["Label"]]).Select(c => c.Name));
        Assert.Equal(["Text"], mapper.GetDependencies([mapper.OutputSchema["Score"]]).Select(c => c.Name));
        Assert.Equal(["Text"], mapper.GetDependencies([mapper.OutputSchema["Text"], mapper.OutputSchema["Score"]]).Select(c => c.Name));
    }

    private PredictionEngine<Input, Prediction> Engine(LengthScorer scorer)
        => _context.Model.CreatePredictionEngine<Input, Prediction>(new LengthTransformer(TestColumns.Binary, scorer));

    private static Output Read(Prediction prediction) => new(prediction.PredictedLabel, prediction.Score);

    private sealed class Input
    {
        public string? Text { get; set; }
    }

    private sealed class Prediction
    {
        public bool PredictedLabel { get; set; }

        public float Score { get; set; }
    }

    private sealed record Output(bool PredictedLabel, float Score);
}
