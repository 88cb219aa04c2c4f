using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Projects;

public sealed class CSharpNameTests
{
    [Theory]
    [InlineData("TicketModel", "TicketModel")]
    [InlineData("ticket_model-2024 v2", "TicketModel2024V2")]
    [InlineData("2024", "Column2024")]
    [InlineData("class", "Class")]
    [InlineData("", "Column")]
    [InlineData("?!\" \n", "Column")]
    [InlineData("größe in €", "GrößeIn")]
    [InlineData("本文", "本文")]
    [InlineData("\U0001F600 smile\u200B", "Smile")]
    public void Letters_and_digits_become_a_name(string text, string expected) => Assert.Equal(expected, CSharpName.Of(text, "Column"));

    [Fact]
    public void A_name_is_never_longer_than_a_file_system_takes() => Assert.Equal(60, CSharpName.Of(new string('x', 1000), "Column").Length);

    [Fact]
    public void A_taken_name_gets_a_number() => Assert.Equal("Text3", CSharpName.Apart("Text", ["text", "TEXT2"]));

    [Fact]
    public void Identifiers_are_found_in_code_and_keywords_are_not() => Assert.Equal(["A", "B", "C", "x"], CSharpName.In(["class A { B x = new C(\"D\"); /* E */ }"]).Order(StringComparer.Ordinal));
}
