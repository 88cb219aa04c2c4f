using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.DataViews;

/// <summary>Maps single rows, for PredictionEngine.</summary>
internal sealed class ScoringRowMapper(DataViewSchema input, PredictionShape shape, TextScorer scorer) : IRowToRowMapper
{
    private readonly ScoringSchema _schema = new(input, shape);

    public DataViewSchema InputSchema => _schema.Input;

    public DataViewSchema OutputSchema => _schema.Output;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
        => _schema.Dependencies([.. dependingColumns]);

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new ScoringRow(input, [.. activeColumns], _schema, scorer);
    }
}
