namespace Microsoft.ML.Peft.Tests.Repository;

/// <summary>The data of samples/TextGeneration is what its README says.</summary>
public sealed class TextGenerationDataTests
{
    /// <summary>Facts that the sentences state in other words.</summary>
    private static readonly Dictionary<string, string[]> Paraphrases = new()
    {
        ["dogs: yes"] = ["welcomes dogs", "open to dogs", "allows dogs", "dogs are welcome", "dogs are allowed", "dogs may come along", "dogs can come too", "may bring dogs", "can take dogs along"],
        ["dogs: no"] =
        [
            "closed to dogs", "does not allow dogs", "allows no dogs", "dogs are not allowed", "dogs are not permitted", "dogs have to stay at home", "dogs must stay at home",
            "dogs have to stay away", "may not bring dogs", "have to leave dogs at home",
        ],
        ["food: none"] = ["no food", "passes no place for food", "bring their own food", "bring your own food", "food has to be brought along"],
    };

    private static readonly string[] Keys = ["name", "length", "difficulty", "climb", "start", "view", "food", "dogs", "season"];

    private static readonly Row[] Train = Read("trails-train.tsv"), Test = Read("trails-test.tsv");

    [Fact]
    public void There_are_enough_rows_to_train_and_to_test()
    {
        Assert.Equal(480, Train.Length);
        Assert.Equal(80, Test.Length);
    }

    [Fact]
    public void No_trail_no_set_of_facts_and_no_sentence_comes_twice()
    {
        Row[] rows = [.. Train, .. Test];
        Assert.Empty(Repeated(rows.Select(row => row.Facts["name"])));
        Assert.Empty(Repeated(rows.Select(row => string.Join(" | ", row.Facts.Where(fact => fact.Key != "name")))));
        Assert.Empty(Repeated(rows.Select(row => row.Sentence)));
    }

    [Fact]
    public void No_two_sentences_are_alike_but_for_names_and_values()
    {
        Assert.Empty(Repeated(Train.Concat(Test).Select(row => row.Facts.Aggregate(row.Sentence, (sentence, fact) => sentence.Replace(fact.Value, fact.Key, StringComparison.Ordinal)))));
    }

    [Fact]
    public void Facts_are_known_and_in_order()
    {
        foreach (var row in Train.Concat(Test))
        {
            Assert.InRange(row.Facts.Count, 6, 7);
            Assert.Equal(Keys.Where(row.Facts.ContainsKey), row.Text.Split(" | ").Select(fact => fact.Split(": ")[0]));
            Assert.Equal(Keys[..3], row.Facts.Keys.Take(3));
        }
    }

    [Fact]
    public void Every_sentence_states_every_fact()
    {
        foreach (var row in Train.Concat(Test))
        {
            foreach (var (key, value) in row.Facts)
            {
                string[] wordings = Paraphrases.GetValueOrDefault($"{key}: {value}") ?? [value];
                Assert.True(wordings.Any(wording => row.Sentence.Contains(wording, StringComparison.OrdinalIgnoreCase)), $"'{row.Sentence}' does not say {key}: {value}.");
            }
        }
    }

    [Fact]
    public void No_sentence_states_a_fact_that_was_not_given()
    {
        foreach (var row in Train.Concat(Test))
        {
            foreach (var (key, sign) in new[] { ("dogs", "dogs"), ("climb", " m "), ("food", " food"), ("view", " view") }.Where(pair => !row.Facts.ContainsKey(pair.Item1)))
                Assert.False(row.Sentence.Contains(sign, StringComparison.OrdinalIgnoreCase), $"'{row.Sentence}' speaks of {key}.");
        }
    }

    [Fact]
    public void Every_sentence_is_one_of_20_to_34_words()
    {
        foreach (var row in Train.Concat(Test))
        {
            Assert.InRange(row.Sentence.Split(' ').Length, 20, 34);
            Assert.Matches(@"^\p{Lu}.*[a-z0-9]\.$", row.Sentence);
            Assert.DoesNotMatch(@"[.!?] |  |\b([a-z]+) \1\b|\ba [aeiou]|\ban [^aeiou]", row.Sentence);
        }
    }

    private static string[] Repeated(IEnumerable<string> values) => [.. values.GroupBy(value => value).Where(group => group.Count() > 1).Select(group => group.Key)];

    private static Row[] Read(string name)
    {
        string path = Path.GetFullPath(Path.Combine(Fixtures.Default, "../../../samples/TextGeneration/data", name));
        string[] lines = File.ReadAllText(path).TrimEnd('\n').Split('\n');
        Assert.Equal("Text\tLabel", lines[0]);
        return [.. lines.Skip(1).Select(line => line.Split('\t') is [var text, var sentence] ? new Row(text, sentence) : throw new InvalidDataException($"{name}: '{line}' has not two columns."))];
    }

    private sealed record Row(string Text, string Sentence)
    {
        public Dictionary<string, string> Facts { get; } = Text.Split(" | ").Select(fact => fact.Split(": ")).ToDictionary(fact => fact[0], fact => fact[1]);
    }
}
