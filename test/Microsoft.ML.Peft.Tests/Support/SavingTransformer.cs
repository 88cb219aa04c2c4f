using Microsoft.ML.Data;
using Microsoft.ML.Peft.Estimators;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Writes what a fitted transformer would write, without having trained one.</summary>
internal sealed class SavingTransformer(SavedTransformer saved) : ITransformer
{
    public bool IsRowToRowMapper => false;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();

    public IDataView Transform(IDataView input) => input;

    public void Save(ModelSaveContext ctx) => saved.Write(ctx);
}
