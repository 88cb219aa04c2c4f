using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>
/// What a fitted transformer predicts: everything that its output columns depend on besides the input schema.
/// <see cref="Outputs"/> is the width of the head; <see cref="Keys"/> the label's key values, where it has some.
/// </summary>
internal sealed record PredictionShape(ColumnNames Names, PredictionTask Task, int Outputs, LabelKeys? Keys);
