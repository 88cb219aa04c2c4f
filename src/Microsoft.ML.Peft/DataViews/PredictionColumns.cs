using Microsoft.ML.Data;
using Microsoft.ML.Peft.Inference;
using Kinds = Microsoft.ML.Data.AnnotationUtils.Kinds;
using ScoreColumnKind = Microsoft.ML.Data.AnnotationUtils.Const.ScoreColumnKind;
using ScoreValueKind = Microsoft.ML.Data.AnnotationUtils.Const.ScoreValueKind;
using VectorKind = Microsoft.ML.SchemaShape.Column.VectorKind;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>The output columns of each task: what an estimator promises and what a transformer delivers, annotations included.</summary>
internal static class PredictionColumns
{
    /// <summary>Checks the input columns and returns the output schema that a fitted transformer will have.</summary>
    public static SchemaShape Promise(SchemaShape input, ColumnNames names)
    {
        InputColumns.FindText(input, "text", names.Text);
        if (names.SecondText is not null)
            InputColumns.FindText(input, "second text", names.SecondText);
        var (label, task) = InputColumns.FindLabel(input, names.Label);

        SchemaShape.Column[] added = task switch
        {
            PredictionTask.Multiclass => [PromisePredictedKey(names.PredictedLabel, label), PromiseProbabilities(names.Score, label)],
            PredictionTask.Binary =>
            [
                PromiseScalar(names.PredictedLabel, BooleanDataViewType.Instance),
                PromiseScalar(names.Probability, NumberDataViewType.Single, isNormalized: true),
                PromiseScalar(names.Score, NumberDataViewType.Single),
            ],
            PredictionTask.Regression => [PromiseScalar(names.Score, NumberDataViewType.Single)],
            _ => [new(names.GeneratedText, VectorKind.Scalar, TextDataViewType.Instance, false)],
        };
        var hidden = added.Select(c => c.Name).ToHashSet();
        return new SchemaShape(input.Where(c => !hidden.Contains(c.Name)).Concat(added));
    }

    public static IReadOnlyList<PredictionColumn> Describe(PredictionShape shape, uint scoreSet)
    {
        var names = shape.Names;
        DataViewSchema.Annotations Annotations(string kind, string value) => ScoreAnnotations(kind, value, scoreSet).ToAnnotations();
        return shape.Task switch
        {
            PredictionTask.Multiclass => [DescribePredictedKey(shape, scoreSet), DescribeProbabilities(shape, scoreSet)],
            PredictionTask.Binary =>
            [
                new(names.PredictedLabel, BooleanDataViewType.Instance, Annotations(ScoreColumnKind.BinaryClassification, ScoreValueKind.PredictedLabel),
                    raw => (ValueGetter<bool>)((ref bool target) => target = OutputValues.Logit(raw().Numbers) > 0)),
                new(names.Probability, NumberDataViewType.Single, Annotations(ScoreColumnKind.BinaryClassification, ScoreValueKind.Probability),
                    raw => (ValueGetter<float>)((ref float target) => target = OutputValues.Sigmoid(OutputValues.Logit(raw().Numbers)))),
                new(names.Score, NumberDataViewType.Single, Annotations(ScoreColumnKind.BinaryClassification, ScoreValueKind.Score),
                    raw => (ValueGetter<float>)((ref float target) => target = OutputValues.Logit(raw().Numbers))),
            ],
            PredictionTask.Regression =>
            [
                new(names.Score, NumberDataViewType.Single, Annotations(ScoreColumnKind.Regression, ScoreValueKind.Score),
                    raw => (ValueGetter<float>)((ref float target) => target = raw().Numbers[0])),
            ],
            _ =>
            [
                new(names.GeneratedText, TextDataViewType.Instance, DataViewSchema.Annotations.Empty,
                    raw => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> target) => target = raw().Text.AsMemory())),
            ],
        };
    }

    private static SchemaShape.Column PromisePredictedKey(string name, SchemaShape.Column label)
    {
        var annotations = AnnotationUtils.GetTrainerOutputAnnotation();
        if (HasKeyValues(label, out var keyValues))
            annotations = annotations.Prepend(keyValues);
        return new(name, VectorKind.Scalar, NumberDataViewType.UInt32, true, new SchemaShape(annotations));
    }

    private static SchemaShape.Column PromiseProbabilities(string name, SchemaShape.Column label)
        => new(name, VectorKind.Vector, NumberDataViewType.Single, false, new SchemaShape(AnnotationUtils.AnnotationsForMulticlassScoreColumn(label)));

    private static SchemaShape.Column PromiseScalar(string name, DataViewType type, bool isNormalized = false)
        => new(name, VectorKind.Scalar, type, false, new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation(isNormalized)));

    private static bool HasKeyValues(SchemaShape.Column label, out SchemaShape.Column keyValues)
        => label.Annotations.TryFindColumn(Kinds.KeyValues, out keyValues) && keyValues.Kind == VectorKind.Vector;

    private static PredictionColumn DescribePredictedKey(PredictionShape shape, uint scoreSet)
    {
        var annotations = ScoreAnnotations(ScoreColumnKind.MulticlassClassification, ScoreValueKind.PredictedLabel, scoreSet);
        shape.Keys?.AddTo(annotations, Kinds.KeyValues);
        return new(shape.Names.PredictedLabel, new KeyDataViewType(typeof(uint), shape.Outputs), annotations.ToAnnotations(),
            raw => (ValueGetter<uint>)((ref uint target) => target = OutputValues.Key(raw().Numbers)));
    }

    private static PredictionColumn DescribeProbabilities(PredictionShape shape, uint scoreSet)
    {
        var annotations = ScoreAnnotations(ScoreColumnKind.MulticlassClassification, ScoreValueKind.Score, scoreSet);
        if (shape.Keys is { IsText: true })
            shape.Keys.AddTo(annotations, Kinds.SlotNames);
        shape.Keys?.AddTo(annotations, Kinds.TrainingLabelValues);
        return new(shape.Names.Score, new VectorDataViewType(NumberDataViewType.Single, shape.Outputs), annotations.ToAnnotations(),
            raw => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> target) => OutputValues.Softmax(raw().Numbers, ref target)));
    }

    private static DataViewSchema.Annotations.Builder ScoreAnnotations(string columnKind, string valueKind, uint scoreSet)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, (ref uint target) => target = scoreSet);
        builder.Add(Kinds.ScoreColumnKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> target) => target = columnKind.AsMemory());
        builder.Add(Kinds.ScoreValueKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> target) => target = valueKind.AsMemory());
        if (valueKind == ScoreValueKind.Probability)
            builder.Add(Kinds.IsNormalized, BooleanDataViewType.Instance, (ref bool target) => target = true);
        return builder;
    }
}
