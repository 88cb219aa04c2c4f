using Microsoft.ML.Data;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

/// <summary>Evaluation of written texts. It is `mlContext.TextGeneration()`.</summary>
public sealed class TextGenerationCatalog
{
    internal TextGenerationCatalog() { }

    /// <summary>Compares written texts with references.</summary>
    /// <param name="data">The predictions of a transformer, with their labels.</param>
    /// <param name="labelColumnName">The references: a Text, or a vector of several Texts, of which a row's empty ones are left out.</param>
    /// <param name="generatedTextColumnName">The written texts.</param>
    /// <exception cref="ArgumentException">A column is missing or no Text, there are no rows, or a row has no reference.</exception>
    public GenerationMetrics Evaluate(IDataView data, string labelColumnName = DefaultColumnNames.Label, string generatedTextColumnName = ColumnNames.DefaultGeneratedText)
    {
        ArgumentNullException.ThrowIfNull(data);
        var schema = SchemaShape.Create(data.Schema);
        InputColumns.FindTexts(schema, "label", labelColumnName);
        InputColumns.FindText(schema, "generated text", generatedTextColumnName);
        DataViewSchema.Column label = data.Schema[labelColumnName], generated = data.Schema[generatedTextColumnName];

        using var cursor = data.GetRowCursor([label, generated]);
        var references = new TextsReader(cursor, label);
        var written = new TextBuffer(cursor, generated, capacity: 1);
        var bleu = new Bleu();
        double rougeL = 0;
        int rows = 0;
        while (cursor.MoveNext())
        {
            var expected = references.Read();
            if (expected.Count == 0)
                throw new ArgumentException($"The label column '{labelColumnName}' is empty in row {cursor.Position} (the first is row 0); a written text can only be compared with a reference.");
            string text = written.ReadOne();
            bleu.Add(text, expected);
            rougeL += Inference.RougeL.F1(text, expected);
            rows++;
        }
        return rows > 0 ? new GenerationMetrics(rougeL / rows, bleu.Score, rows) : throw new ArgumentException("There are no rows to evaluate.", nameof(data));
    }
}
