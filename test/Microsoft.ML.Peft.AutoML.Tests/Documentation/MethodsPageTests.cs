using System.Globalization;
using Microsoft.ML.Peft.Methods;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>docs/methods.md counts the values that the methods train and save.</summary>
public sealed class MethodsPageTests
{
    private static readonly int[] Text = [2054, 2003, 2023];

    [Theory]
    [InlineData("prompt tuning")]
    [InlineData("prefix tuning")]
    [InlineData("prefix tuning with projection")]
    [InlineData("P-tuning (MLP)")]
    [InlineData("P-tuning (LSTM)")]
    public void The_values_of_each_method_are_counted_on_the_embedded_encoder(string method)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var model = PretrainedModel.Load(precision: Precision.Float32);
        using var initializer = new Initializer(1, TorchSharp.torch.CPU);
        var source = new InitializationSource(model.Frozen.Backbone, _ => Text, new HashSet<int>(), [Text], null);
        using var softPrompt = SoftPromptFactory.Create(Settings(method), source, initializer);

        var row = MarkdownFile.Read("docs/methods.md").RowsUnder("How many values").Single(row => row[0].Text == method);
        Assert.Equal(Shown(softPrompt.Parameters.Values.Sum(parameter => parameter.numel())), row[3].Text);
        Assert.Equal(Shown(softPrompt.Compute().numel()), row[4].Text);
    }

    private static MethodSettings Settings(string method) => method switch
    {
        "prompt tuning" => new PromptTuningSettings(20),
        "prefix tuning" => new PrefixTuningSettings(20),
        "prefix tuning with projection" => new PrefixTuningSettings(20) { Projection = true },
        "P-tuning (MLP)" => new PTuningSettings(20),
        _ => new PTuningSettings(20) { Encoder = PromptEncoder.Lstm },
    };

    private static string Shown(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}
