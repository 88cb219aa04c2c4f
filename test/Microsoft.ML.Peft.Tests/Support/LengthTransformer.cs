using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>The library's data views around a <see cref="LengthScorer"/>, as ML.NET sees them.</summary>
internal sealed class LengthTransformer(PredictionShape shape, LengthScorer scorer) : ITransformer
{
    public bool IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new ScoringSchema(inputSchema, shape).Output;

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new ScoringRowMapper(inputSchema, shape, scorer.Score);

    public IDataView Transform(IDataView input) => new BatchScoringView(input, shape, scorer.Score);

    public void Save(ModelSaveContext ctx) => throw new NotSupportedException();
}
