using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Backbones.Families;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>docs/models.md lists what the code supports, no more and no less.</summary>
public sealed class ModelsPageTests
{
    private static readonly MarkdownFile Page = MarkdownFile.Read("docs/models.md");

    private static IReadOnlyList<IReadOnlyList<Cell>> Families => [.. Page.RowsUnder("Families").Where(row => row.Count == 4)];

    [Fact]
    public void The_families_are_those_of_the_code()
        => Assert.Equal(ModelFamilies.All.Select(family => $"{Kind(family)} {string.Join(' ', family.ModelTypes)}"), Families.Select(row => $"{row[1].Text} {string.Join(' ', row[2].Codes)}"));

    [Fact]
    public void The_architectures_of_GGUF_files_are_those_of_the_code_beside_their_family()
    {
        Assert.Equal(GgufArchitecture.Names.Split(", ").Order(), Families.SelectMany(row => row[3].Codes).Order());
        foreach (var row in Families)
        {
            foreach (string name in row[3].Codes)
                Assert.Contains(GgufArchitecture.Named(name)!.ModelType, row[2].Codes);
        }
    }

    [Fact]
    public void The_weight_types_of_GGUF_files_are_those_of_the_code()
    {
        var row = Assert.Single(Page.RowsUnder("Weight types of GGUF files"));
        Assert.Equal(GgufType.All.Where(type => type.Dequantize is not null).Select(type => type.Name), row[0].Codes);
        Assert.Equal(GgufType.All.Where(type => type.Dequantize is null).Select(type => type.Name), row[1].Codes);
    }

    [Theory]
    [InlineData("model", "Models/ModelReader.cs")]
    [InlineData("normalizer", "Normalizers/NormalizerReader.cs")]
    [InlineData("pre_tokenizer", "PreTokenizers/PreTokenizerReader.cs")]
    [InlineData("post_processor", "PostProcessorReader.cs")]
    [InlineData("decoder", "Decoders/DecoderReader.cs")]
    public void The_parts_of_tokenizers_are_those_that_are_read(string part, string reader)
    {
        var read = Regex.Matches(Source("Tokenization/" + reader), @"^        ""(\w+)"" =>", RegexOptions.Multiline).Select(match => match.Groups[1].Value).ToList();
        Assert.NotEmpty(read);
        Assert.Equal(read.Order(), Page.RowsUnder("Tokenizers").Single(row => row[0].Codes.Single() == part)[1].Codes.Order());
    }

    [Fact]
    public void The_pre_tokenizers_of_GGUF_files_are_those_of_the_code()
        => Assert.Superset(GgufPreTokenizer.Names.Split(", ").ToHashSet(), Page.CodesUnder("Tokenizers").ToHashSet());

    [Fact]
    public void Chat_templates_are_recognised_by_what_the_page_says()
    {
        var rows = Page.RowsUnder("Chat templates");
        Assert.All(rows, row => Assert.Equal(row[0].Text, ChatFormats.Recognize(string.Join(" ", row[1].Codes), "<s>", "</s>").Name));
        var names = Regex.Matches(Source("Inference/ChatFormats.cs"), @"(?:Tagged|new)\(""([A-Z][\w -]+)""").Select(match => match.Groups[1].Value);
        Assert.Equal(names.Order(), rows.Select(row => row[0].Text).Order());
    }

    [Fact]
    public void The_kinds_of_adapters_are_those_of_the_code()
        => Assert.Superset(Enum.GetNames<PeftType>().Select(JsonNamingPolicy.SnakeCaseUpper.ConvertName).ToHashSet(), Page.CodesUnder("Adapters").ToHashSet());

    [Fact]
    public void The_environment_variables_are_those_that_are_read()
    {
        var read = Regex.Matches(Source("Checkpoints/Hub/HubOptions.cs") + Source("Checkpoints/ModelLocator.cs"), @"""((?:HF|HUGGING_?FACE|TRANSFORMERS|XDG|PEFTML)_\w+)""").Select(match => match.Groups[1].Value).ToHashSet();
        Assert.Contains(ModelLocator.FoldersVariable, read);
        Assert.Superset(read, Page.CodesUnder("From the Hugging Face hub").Concat(Page.CodesUnder("Where models are looked for")).ToHashSet());
    }

    private static string Kind(ModelFamily family) => family switch
    {
        EncoderFamily => "encoder",
        DecoderFamily => "decoder",
        _ => "encoder–decoder",
    };

    private static string Source(string file) => File.ReadAllText(Path.Combine(MarkdownFile.Repository, "src/Microsoft.ML.Peft", file));
}
