using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.DataViews;

public sealed class PredictionColumnsTests
{
    private readonly MLContext _context = new(seed: 1);

    public static TheoryData<string> Labels => ["text key", "number key", "key without values", "byte key", "boolean", "single", "text"];

    private static DataViewSchema Schema(string label) => label switch
    {
        "text key" => AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 2), AnnotatedView.KeyValues(TextDataViewType.Instance, "no".AsMemory(), "yes".AsMemory())),
        "number key" => AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 3), AnnotatedView.KeyValues(NumberDataViewType.Single, 0.5f, 1.5f, 2.5f)),
        "key without values" => AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 4)),
        "byte key" => AnnotatedView.Schema(new KeyDataViewType(typeof(byte), 4)),
        "boolean" => AnnotatedView.Schema(BooleanDataViewType.Instance),
        "text" => AnnotatedView.Schema(TextDataViewType.Instance),
        _ => AnnotatedView.Schema(NumberDataViewType.Single),
    };

    [Theory]
    [MemberData(nameof(Labels))]
    public void What_is_promised_is_what_is_delivered_annotations_included(string label)
    {
        var input = Schema(label);
        var promised = PredictionColumns.Promise(SchemaShapes.Of(input), TestColumns.Names);
        var delivered = new ScoringSchema(input, PredictionShape.Of(input, TestColumns.Names)).Output;
        Assert.Equal(SchemaShapes.Describe(SchemaShapes.Of(delivered)), SchemaShapes.Describe(promised));
    }

    [Theory]
    [MemberData(nameof(Labels))]
    public void Input_columns_with_an_output_name_are_hidden_in_both(string label)
    {
        var input = Schema(label);
        var names = TestColumns.Names with { Score = "Text", GeneratedText = "Label" };
        var promised = PredictionColumns.Promise(SchemaShapes.Of(input), names);
        var delivered = new ScoringSchema(input, PredictionShape.Of(input, names)).Output;
        Assert.Equal(SchemaShapes.Describe(SchemaShapes.Of(delivered)), SchemaShapes.Describe(promised));
    }

    [Fact]
    public void The_output_columns_of_a_text_key_are_those_of_a_multiclass_trainer()
    {
        var input = Schema("text key");
        var output = new ScoringSchema(input, PredictionShape.Of(input, TestColumns.Names)).Output;
        Assert.Equal(["Label", "Text", "PredictedLabel", "Score"], output.Select(c => c.Name));
        Assert.Equal(new KeyDataViewType(typeof(uint), 2), output["PredictedLabel"].Type);
        VBuffer<ReadOnlyMemory<char>> names = default;
        output["Score"].GetSlotNames(ref names);
        Assert.Equal(["no", "yes"], names.DenseValues().Select(n => n.ToString()));
        output["PredictedLabel"].GetKeyValues(ref names);
        Assert.Equal(["no", "yes"], names.DenseValues().Select(n => n.ToString()));
        ReadOnlyMemory<char> kind = default;
        output["Score"].Annotations.GetValue("ScoreColumnKind", ref kind);
        Assert.Equal("MulticlassClassification", kind.ToString());
    }

    [Fact]
    public void A_second_transformer_starts_its_own_score_set()
    {
        var input = Schema("single");
        var first = new ScoringSchema(input, TestColumns.Regression).Output;
        var second = new ScoringSchema(first, TestColumns.Regression with { Names = TestColumns.Names with { Score = "Score2" } }).Output;
        uint firstSet = 0, secondSet = 0;
        second["Score"].Annotations.GetValue("ScoreColumnSetId", ref firstSet);
        second["Score2"].Annotations.GetValue("ScoreColumnSetId", ref secondSet);
        Assert.Equal((1u, 2u), (firstSet, secondSet));
    }

    [Fact]
    public void Multiclass_scores_are_probabilities_that_the_evaluator_accepts()
    {
        var data = Keyed([("short", ""), ("long", "xxx"), ("short", ""), ("long", "xxxx")]);
        var shape = PredictionShape.Of(data.Schema, TestColumns.Names);
        Assert.Equal((PredictionTask.Multiclass, 2), (shape.Task, shape.Outputs));

        var scored = new LengthTransformer(shape, new LengthScorer(outputs: 2)).Transform(data);
        var scores = scored.GetColumn<float[]>("Score").ToList();
        Assert.All(scores, s => Assert.Equal(1, s.Sum(), 5));
        Assert.Equal(Math.Exp(3) / (1 + Math.Exp(3)), scores[1][0], 5);
        Assert.Equal([1u, 1u, 1u, 1u], scored.GetColumn<uint>("PredictedLabel"));
        var metrics = _context.MulticlassClassification.Evaluate(scored);
        Assert.Equal(0.5, metrics.MicroAccuracy);
        Assert.Equal(-(Math.Log(scores[1][1]) + Math.Log(scores[3][1])) / 2, metrics.PerClassLogLoss[1], 4);
    }

    [Fact]
    public void Key_values_of_any_type_come_back_through_MapKeyToValue()
    {
        var data = _context.Data.LoadFromEnumerable([new Numbered(7.5f, "x"), new Numbered(-2, "y")]);
        var keyed = _context.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        var scored = new LengthTransformer(PredictionShape.Of(keyed.Schema, TestColumns.Names), new LengthScorer(outputs: 2)).Transform(keyed);
        var values = _context.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(scored).Transform(scored);
        Assert.Equal([7.5f, 7.5f], values.GetColumn<float>("PredictedLabel"));
    }

    [Fact]
    public void Binary_outputs_fit_the_evaluator()
    {
        var data = _context.Data.LoadFromEnumerable([new Flagged(false, "x"), new Flagged(true, ""), new Flagged(false, "xx")]);
        var scored = new LengthTransformer(TestColumns.Binary, new LengthScorer(outputs: 2)).Transform(data);
        Assert.Equal([-1f, 0f, -2f], scored.GetColumn<float>("Score"));
        Assert.Equal(1 / (1 + Math.E), scored.GetColumn<float>("Probability").First(), 5);
        Assert.Equal([false, false, false], scored.GetColumn<bool>("PredictedLabel"));
        var metrics = _context.BinaryClassification.Evaluate(scored);
        Assert.Equal(1, metrics.AreaUnderRocCurve);
        Assert.Equal(2 / 3d, metrics.Accuracy, 5);
    }

    [Fact]
    public void Regression_outputs_fit_the_evaluator()
    {
        var data = _context.Data.LoadFromEnumerable([new Numbered(1, "x"), new Numbered(2, "xx"), new Numbered(4, "xxx")]);
        var scored = new LengthTransformer(TestColumns.Regression, new LengthScorer(outputs: 1)).Transform(data);
        Assert.Equal(1 / 3d, _context.Regression.Evaluate(scored).MeanSquaredError, 5);
    }

    [Fact]
    public void Very_large_logits_give_finite_probabilities()
    {
        VBuffer<float> target = default;
        OutputValues.Softmax([1e30f, -1e30f, 1e30f], ref target);
        Assert.Equal([0.5f, 0, 0.5f], target.DenseValues());
        Assert.Equal(1, OutputValues.Sigmoid(1e30f));
        Assert.Equal(0, OutputValues.Sigmoid(-1e30f));
    }

    [Fact]
    public void A_text_label_means_generation_which_has_one_output_column_of_text()
    {
        var input = Schema("text");
        var shape = PredictionShape.Of(input, TestColumns.Names);
        Assert.Equal((PredictionTask.Generation, 0), (shape.Task, shape.Outputs));
        var output = new ScoringSchema(input, shape).Output;
        Assert.Equal(["Label", "Text", "GeneratedText"], output.Select(c => c.Name));
        Assert.Equal(TextDataViewType.Instance, output["GeneratedText"].Type);
    }

    [Fact]
    public void Written_texts_are_delivered_in_batches_and_row_by_row()
    {
        var rows = Enumerable.Range(0, 40).Select(i => new Named("", $"row {i}")).ToList();
        var data = _context.Data.LoadFromEnumerable(rows);
        var scorer = new LengthScorer(outputs: 0);
        var scored = new LengthTransformer(TestColumns.Generation, scorer).Transform(data);
        Assert.Empty(scorer.Batches);
        Assert.Equal(rows.Select(row => row.Text.ToUpperInvariant()), scored.GetColumn<string>("GeneratedText"));
        Assert.Equal([32, 8], scorer.Batches);
        using var engine = _context.Model.CreatePredictionEngine<Named, Written>(new LengthTransformer(TestColumns.Generation, scorer));
        Assert.Equal("ROW 7", engine.Predict(rows[7]).GeneratedText);
    }

    [Fact]
    public void A_label_of_another_type_is_refused_with_those_that_are_supported()
    {
        foreach (var type in new DataViewType[] { NumberDataViewType.Double, NumberDataViewType.Int32, new VectorDataViewType(NumberDataViewType.Single, 2) })
        {
            var error = Assert.Throws<ArgumentException>(() => PredictionShape.Of(AnnotatedView.Schema(type), TestColumns.Names));
            Assert.Contains("must be a Key (multiclass classification, see Conversion.MapValueToKey), a Boolean (binary classification), a Single (regression) or a Text (generation).", error.Message);
        }
    }

    [Fact]
    public void A_key_of_too_many_classes_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => PredictionShape.Of(AnnotatedView.Schema(new KeyDataViewType(typeof(uint), 1 << 20)), TestColumns.Names));
        Assert.Equal("The label column 'Label' is a Key of 1048576 classes; at most 65536 are supported: map the labels with Conversion.MapValueToKey.", error.Message);
    }

    private IDataView Keyed(IEnumerable<(string Label, string Text)> rows)
    {
        var data = _context.Data.LoadFromEnumerable(rows.Select(r => new Named(r.Label, r.Text)).ToList());
        return _context.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
    }

    private sealed record Named(string Label, string Text);

    private sealed class Written
    {
        public string GeneratedText { get; set; } = "";
    }

    private sealed record Numbered(float Label, string Text);

    private sealed record Flagged(bool Label, string Text);
}
