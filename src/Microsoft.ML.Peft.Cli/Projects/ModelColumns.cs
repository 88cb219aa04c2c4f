using System.Reflection;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>A model's input columns as properties of C#: one or two texts, and the label behind them.</summary>
internal sealed class ModelColumns
{
    /// <summary>Names that a property of a class cannot have, or that hide what every class has.</summary>
    private static readonly string[] Reserved =
    [
        "ModelInput", "PredictionRequest",
        .. typeof(object).GetMembers(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic).Select(member => member.Name),
    ];

    public ModelColumns(TrainingConfig config)
    {
        var options = config.TrainingOption;
        List<string> taken = [.. Reserved];
        (string, string) Named(string column)
        {
            string property = CSharpName.Apart(CSharpName.Of(column, "Column"), taken);
            taken.Add(property);
            return (column, property);
        }
        Texts = [.. new[] { options.TextColumnName, options.SecondTextColumnName }.OfType<string>().Select(Named)];
        Label = Named(options.LabelColumnName);
    }

    /// <summary>The text columns.</summary>
    public IReadOnlyList<(string Column, string Property)> Texts { get; }

    /// <summary>The label column.</summary>
    public (string Column, string Property) Label { get; }

    /// <summary>All of them, in the order of a file's fields.</summary>
    public IEnumerable<(string Column, string Property)> All => [.. Texts, Label];

    /// <summary>A column's name that no input column has.</summary>
    public string Free(string name) => CSharpName.Apart(name, [.. All.Select(column => column.Column)]);

    /// <summary>What labels are in C#.</summary>
    public static string LabelType(PredictionTask task) => task switch
    {
        PredictionTask.Binary => "bool",
        PredictionTask.Regression => "float",
        _ => "string",
    };
}
