using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Projects;

public sealed class ModelProjectTests
{
    private const string Hostile = "a \"quoted\"\\ {brace} \r\n\u2028\0 */ </summary> 'x' 本文";

    /// <summary>Names that the generated code itself uses, keywords, and names that are none.</summary>
    private static readonly string[] Names =
    [
        "System", "Microsoft", "Program", "ModelInput", "ModelOutput", "Predict", "Train", "MLContext", "Console", "String", "File", "Path", "Lazy", "EnginePool", "PredictionRequest",
        "class", "record", "async", "1", "", "ラベル", "Größe", "NameOfTheModel",
    ];

    private static readonly string[] Columns =
        ["Text", "text ", "class", "ToString", "Equals", "get hash code", "ModelInput", "PredictionRequest", "MemberwiseClone", "", Hostile, "2", "TrueClass", "PredictedLabel", "Score", "本文"];

    private static SoftPromptOptions[] Methods() =>
    [
        new PromptTuningOptions { InitializationText = Hostile, Initialization = PromptInitialization.Text, Model = @"C:\models\""x""", Seed = 7, MaxEpochs = 3 },
        new PrefixTuningOptions { SecondTextColumnName = "Second", Projection = true, LearningRate = 1e-3, Generation = new GenerationOptions { StopStrings = [Hostile, "\n"], Temperature = 0.5 } },
        new PTuningOptions { Encoder = PromptEncoder.Lstm, LabelWords = new Dictionary<string, string> { [Hostile] = Hostile }, Head = ClassificationHead.LabelWords },
    ];

    public static IEnumerable<object[]> Shapes => from task in Enum.GetValues<PredictionTask>() from isWeb in new[] { false, true } select new object[] { task, isWeb };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Code_compiles_without_a_warning_with_every_method_one_text_and_two(PredictionTask task, bool isWeb)
    {
        foreach (var options in Methods())
            Compiles(task, isWeb, options, "Tickets", "Folder");
    }

    [Theory]
    [InlineData(PredictionTask.Multiclass, false)]
    [InlineData(PredictionTask.Multiclass, true)]
    [InlineData(PredictionTask.Generation, false)]
    public void Code_compiles_whatever_columns_are_called(PredictionTask task, bool isWeb)
    {
        for (int i = 0; i < Columns.Length; i += 2)
        {
            var options = new PrefixTuningOptions { TextColumnName = Columns[i], LabelColumnName = Columns[(i + 1) % Columns.Length], SecondTextColumnName = Columns[(i + 2) % Columns.Length] };
            Compiles(task, isWeb, options, "Tickets", "Folder");
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void Code_compiles_whatever_model_and_folder_are_called(bool isWeb, int shift)
    {
        for (int i = 0; i < Names.Length; i++)
            Compiles(PredictionTask.Multiclass, isWeb, new PrefixTuningOptions(), Names[i], Names[(i + shift) % Names.Length]);
    }

    [Fact]
    public void A_project_is_not_called_as_a_library_that_it_needs()
    {
        Assert.Equal("TorchSharpApp", Configs.Project(Configs.Of(PredictionTask.Binary), "/x/TorchSharp").Name);
        Assert.Equal("Tickets", Configs.Project(Configs.Of(PredictionTask.Binary), "/x/tickets").Name);
        Assert.Equal("TicketApp", Configs.Project(Configs.Of(PredictionTask.Binary), "/x/Ticket").Name);
    }

    private static void Compiles(PredictionTask task, bool isWeb, SoftPromptOptions options, string name, string folder)
    {
        string[] example = options.SecondTextColumnName is null ? [Hostile] : [Hostile, Hostile];
        var project = Configs.Project(Configs.Of(task, isWeb ? ProjectKind.WebApi : ProjectKind.Console, options, example), Path.Combine("/x", folder), name);
        var problems = ProjectCompiler.Problems(isWeb, project.Code().Select(file => file.Text));
        Assert.True(problems.Count == 0, $"{name} in {folder}: {string.Join("\n", problems)}");
    }
}
