using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>One output column. <paramref name="CreateGetter"/> makes its ValueGetter over the current row's raw outputs.</summary>
internal sealed record PredictionColumn(
    string Name, DataViewType Type, DataViewSchema.Annotations Annotations, Func<RowOutputs, Delegate> CreateGetter);
