using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Tokenization;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Every reference result of the <c>tokenizers</c> library is reproduced exactly.</summary>
[Trait("Category", "Parity")]
public class GoldenTests
{
    private static readonly ConcurrentDictionary<string, Lazy<HuggingFaceTokenizer>> Loaded = new();
    private static readonly ConcurrentDictionary<string, Lazy<Golden>> Goldens = new();

    public static TheoryData<string, int> Entries()
    {
        TheoryData<string, int> data = [];
        foreach (string folder in Fixtures.Folders("tokenizers"))
        {
            string name = Path.GetFileName(folder);
            for (int i = 0; i < GoldenOf(name).Entries.Count; i++)
                data.Add(name, i);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Entries))]
    public void The_reference_is_reproduced(string name, int index)
    {
        Golden golden = GoldenOf(name);
        HuggingFaceTokenizer tokenizer = TokenizerOf(golden.Tokenizer ?? name);
        GoldenEntry entry = golden.Entries[index];

        TokenizedText encoded = tokenizer.Encode(entry.Text, entry.Pair);
        int[] plain = [.. tokenizer.EncodeToIds(entry.Text), .. entry.Pair is null ? [] : tokenizer.EncodeToIds(entry.Pair)];

        Assert.Equal(entry.Ids, encoded.Ids);
        Assert.Equal(entry.IdsNoSpecial, plain);
        if (entry.TypeIds is not null)
            Assert.Equal(entry.TypeIds, encoded.TypeIds);
        if (entry.DecodedSkip is not null)
            Assert.Equal(entry.DecodedSkip, tokenizer.Decode(entry.Ids));
        if (entry.DecodedFull is not null)
            Assert.Equal(entry.DecodedFull, tokenizer.Decode(entry.Ids, skipSpecialTokens: false));
        if (entry.OffsetsNoSpecial is not null)
            Assert.Equal(ToUtf16(entry.Text, entry.OffsetsNoSpecial), OffsetsOf(tokenizer, entry.Text));
    }

    private static (int, int)[] OffsetsOf(HuggingFaceTokenizer tokenizer, string text)
    {
        IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeToTokens(text, out _);
        return [.. tokens.Select(token => (token.Offset.Start.Value, token.Offset.End.Value))];
    }

    /// <summary>The reference counts code points.</summary>
    private static (int, int)[] ToUtf16(string text, int[][] offsets)
    {
        List<int> starts = [0];
        foreach (System.Text.Rune rune in text.EnumerateRunes())
            starts.Add(starts[^1] + rune.Utf16SequenceLength);
        return [.. offsets.Select(offset => (starts[offset[0]], starts[offset[1]]))];
    }

    private static Golden GoldenOf(string name) => Goldens.GetOrAdd(name, _ => new Lazy<Golden>(() =>
        JsonSerializer.Deserialize<Golden>(
            File.ReadAllBytes(Path.Combine(Fixtures.Folder("tokenizers"), name, "golden.json")))!)).Value;

    private static HuggingFaceTokenizer TokenizerOf(string name) => Loaded.GetOrAdd(name, _ => new Lazy<HuggingFaceTokenizer>(() =>
    {
        string own = Path.Combine(Fixtures.Folder("tokenizers"), name, "tokenizer.json");
        string shared = Path.Combine(Fixtures.Default, "tokenizers", name, "tokenizer.json");
        return HuggingFaceTokenizer.Load(File.Exists(own) ? own : shared);
    })).Value;

    private sealed record Golden(
        [property: JsonPropertyName("tokenizer")] string? Tokenizer,
        [property: JsonPropertyName("entries")] IReadOnlyList<GoldenEntry> Entries);

    private sealed record GoldenEntry(
        [property: JsonPropertyName("text")] string Text,
        [property: JsonPropertyName("pair")] string? Pair,
        [property: JsonPropertyName("type_ids")] int[]? TypeIds,
        [property: JsonPropertyName("ids")] int[] Ids,
        [property: JsonPropertyName("ids_no_special")] int[] IdsNoSpecial,
        [property: JsonPropertyName("decoded_skip")] string? DecodedSkip,
        [property: JsonPropertyName("decoded_full")] string? DecodedFull,
        [property: JsonPropertyName("offsets_no_special")] int[][]? OffsetsNoSpecial);
}
