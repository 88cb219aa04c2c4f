using System.Text;
using CsCheck;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Tokens that arrive one by one become text that can be shown as it is.</summary>
public sealed class StreamedTextTests
{
    public static TheoryData<string> Tokenizers => ["tiny-bpe", "smollm2", "llama3-bpe", "spbpe-prepend", "spbpe-metaspace", "unigram-plain"];

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Pieces_never_end_within_a_character_and_are_the_whole_text(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        RandomTexts.WellFormed.Sample(text =>
        {
            int[] ids = [.. tokenizer.EncodeToIds(text)];
            string[] pieces = Stream(tokenizer, ids, []);
            Assert.Equal(tokenizer.Decode(ids), string.Concat(pieces));
            Assert.All(pieces, piece => Assert.True(IsWellFormed(piece), $"'{piece}' of '{text}'"));
            Assert.All(pieces[..^1], piece => Assert.True(!piece.EndsWith('\uFFFD') || text.Contains('\uFFFD', StringComparison.Ordinal) || !IsKnown(tokenizer, text), $"'{piece}' of '{text}'"));
        }, seed: "0000000000000", iter: 300, threads: 1);
    }

    [Theory]
    [InlineData("smollm2")]
    [InlineData("tiny-bpe")]
    [InlineData("spbpe-prepend")]
    public void An_emoji_of_several_tokens_appears_at_once(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        int[] ids = [.. tokenizer.EncodeToIds("a 👩‍🚀 b")];
        string[] pieces = Stream(tokenizer, ids, []);
        Assert.Equal("a 👩‍🚀 b", string.Concat(pieces));
        Assert.Equal(0, pieces[1..^1].Count(piece => piece.Contains('\uFFFD', StringComparison.Ordinal)));
        Assert.Contains(pieces, piece => piece.Length == 0);
        Assert.Contains(pieces, piece => piece.Contains("👩", StringComparison.Ordinal));
        Assert.Contains(pieces, piece => piece.Contains("🚀", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Tokenizers))]
    public void Tokens_in_any_order_give_well_formed_pieces(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        Gen.Int[0, tokenizer.VocabularySize - 1].Array[0, 30].Sample(ids =>
            Assert.All(Stream(tokenizer, ids, []), piece => Assert.True(IsWellFormed(piece))), seed: "0000000000000", iter: 300, threads: 1);
    }

    [Fact]
    public void What_may_become_a_stop_string_waits_and_nothing_behind_one_is_shown()
    {
        var tokenizer = RandomTexts.Tokenizer("tiny-bpe");
        RandomTexts.WellFormed.Sample(text =>
        {
            int[] ids = [.. tokenizer.EncodeToIds(text)];
            string written = tokenizer.Decode(ids);
            string stop = written.Length < 4 ? "#" : written.Substring(written.Length / 2, 2);
            int end = written.IndexOf(stop, StringComparison.Ordinal);
            Assert.Equal(end < 0 ? written : written[..end], string.Concat(Stream(tokenizer, ids, [stop])));
        }, seed: "0000000000000", iter: 300, threads: 1);
    }

    private static string[] Stream(HuggingFaceTokenizer tokenizer, int[] ids, string[] stopStrings)
    {
        var streamed = new StreamedText(tokenizer, stopStrings);
        var pieces = new List<string>();
        for (int count = 1; count <= ids.Length && !streamed.Stopped; count++)
            pieces.Add(streamed.Advance(ids[..count], last: false));
        pieces.Add(streamed.Advance(ids, last: true));
        return [.. pieces];
    }

    private static bool IsWellFormed(string text)
    {
        for (ReadOnlySpan<char> rest = text; !rest.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(rest, out _, out int length) != System.Buffers.OperationStatus.Done)
                return false;
            rest = rest[length..];
        }
        return true;
    }

    /// <summary>Whether the tokenizer can write the text at all: a Unigram model without bytes loses what it does not know.</summary>
    private static bool IsKnown(HuggingFaceTokenizer tokenizer, string text) => tokenizer.Decode(tokenizer.EncodeToIds(text)).Contains(text.Trim(), StringComparison.Ordinal);
}
