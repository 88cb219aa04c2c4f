using System.Buffers;
using System.Text;
using CsCheck;
using Microsoft.ML.Peft.Tokenization;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Peft.Tests;

public class HuggingFaceTokenizerTests
{
    private static readonly string[] Names = [.. Directory
        .GetDirectories(Path.Combine(Fixtures.Default, "tokenizers")).Select(folder => Path.GetFileName(folder)).Order()];

    private static readonly Dictionary<string, Lazy<HuggingFaceTokenizer>> Tokenizers = Names.ToDictionary(
        name => name,
        name => new Lazy<HuggingFaceTokenizer>(() => HuggingFaceTokenizer.Load(PathOf(name))));

    public static TheoryData<string> All => [.. Names];

    // Those whose vocabulary holds every byte, and that do not normalize.
    public static TheoryData<string> ByteLevel => ["gpt2", "tiny-bpe", "roberta-bpe", "llama3-bpe"];

    private static string PathOf(string name) => Path.Combine(Fixtures.Default, "tokenizers", name, "tokenizer.json");

    [Fact]
    public void Special_tokens_are_found_by_their_roles()
    {
        HuggingFaceTokenizer bert = Tokenizers["tiny-wordpiece"].Value;
        Assert.Equal((0, 1, 2, 3, 4), (bert.PadId, bert.UnkId, bert.ClsId, bert.SepId, bert.MaskId));
        Assert.Null(bert.EosId);
        Assert.Null(bert.BosId);
        Assert.Equal(128, bert.ModelMaxLength);
        Assert.Equal([0, 1, 2, 3, 4], bert.SpecialIds.Order());

        HuggingFaceTokenizer gpt = Tokenizers["gpt2"].Value;
        Assert.Null(gpt.PadId);
        Assert.Equal(50256, gpt.EosId);
        Assert.Equal(50257, gpt.VocabularySize);
    }

    [Fact]
    public void The_vocabulary_counts_added_tokens()
    {
        HuggingFaceTokenizer tokenizer = Tokenizers["unigram-nmt"].Value;
        Assert.Equal(402, tokenizer.VocabularySize);
        Assert.Equal(401, tokenizer.TokenToId("<extra_id_1>"));
        Assert.Equal("<extra_id_1>", tokenizer.IdToToken(401));
        Assert.Null(tokenizer.TokenToId("no such token"));
        Assert.Null(tokenizer.IdToToken(402));
        Assert.Null(tokenizer.IdToToken(-1));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Empty_texts_are_their_template_and_white_space_does_not_fail(string name)
    {
        HuggingFaceTokenizer tokenizer = Tokenizers[name].Value;
        Assert.Empty(tokenizer.EncodeToIds(""));
        Assert.All(tokenizer.Encode("").Ids, id => Assert.Contains(id, tokenizer.SpecialIds));
        foreach (string text in (string[])[" ", "\n\n", "\t \u3000", "\u00a0"])
            Assert.NotNull(tokenizer.Encode(text));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Lone_surrogates_are_read_as_replacement_characters(string name)
    {
        HuggingFaceTokenizer tokenizer = Tokenizers[name].Value;
        foreach (string text in (string[])["\ud83d", "a\ude00b", "\ude00\ud83d", "e\u0301\ud800\u0301"])
        {
            string replaced = text.Replace('\ud83d', '\ufffd').Replace('\ude00', '\ufffd').Replace('\ud800', '\ufffd');
            Assert.Equal(tokenizer.EncodeToIds(replaced), tokenizer.EncodeToIds(text));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Any_string_is_encoded_with_offsets_inside_of_it(string name)
    {
        HuggingFaceTokenizer tokenizer = Tokenizers[name].Value;
        Gen.String.Sample(text =>
        {
            foreach (EncodedToken token in tokenizer.EncodeToTokens(text, out string? normalized))
            {
                Assert.Null(normalized);
                Assert.InRange(token.Offset.Start.Value, 0, token.Offset.End.Value);
                Assert.InRange(token.Offset.End.Value, 0, text.Length);
                Assert.InRange(token.Id, 0, tokenizer.VocabularySize - 1);
            }
        }, iter: 200, seed: "0000000000001");
    }

    [Theory]
    [MemberData(nameof(ByteLevel))]
    public void Byte_level_decoding_undoes_encoding(string name)
    {
        HuggingFaceTokenizer tokenizer = Tokenizers[name].Value;
        Gen<string> texts = Gen.Int[0, 0x10FFFF].Where(Rune.IsValid).Array[0, 30]
            .Select(points => string.Concat(points.Select(point => new Rune(point).ToString())));
        Gen.OneOf(texts, Gen.String[Gen.Char[' ', '~'], 0, 60]).Sample(
            text => Assert.Equal(text, tokenizer.Decode(tokenizer.EncodeToIds(text), skipSpecialTokens: false)),
            iter: 500, seed: "0000000000001");
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("minilm")]
    [InlineData("spbpe-prepend")]
    [InlineData("unigram-nmt")]
    public void A_word_of_a_million_characters_is_encoded(string name)
    {
        HuggingFaceTokenizer tokenizer = Tokenizers[name].Value;
        string word = string.Concat(Enumerable.Repeat("abcdefghij", 100_000));
        Assert.NotEmpty(tokenizer.EncodeToIds(word));
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Many_threads_get_the_same_ids(string name)
    {
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(PathOf(name));
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => $"The whale {i} swam {i * 7} miles, café — 中文 {(char)('a' + i % 26)}😀")];
        int[][] expected = [.. texts.Select(text => Tokenizers[name].Value.Encode(text).Ids.ToArray())];
        Parallel.For(0, 1_000, i => Assert.Equal(expected[i % 200], tokenizer.Encode(texts[i % 200]).Ids));
    }

    [Theory]
    [InlineData(100, 4, 9, false)]
    [InlineData(13, 4, 6, true)]
    [InlineData(11, 4, 4, true)]
    [InlineData(10, 3, 4, true)]
    [InlineData(3, 0, 0, true)]
    public void The_longest_text_is_cut_first(int maxTokens, int firstLength, int secondLength, bool truncated)
    {
        HuggingFaceTokenizer tokenizer = Tokenizers["minilm"].Value;
        TokenizedText encoded = tokenizer.Encode("one two three four", "a b c d e f g h i", maxTokens);

        Assert.Equal(truncated, encoded.Truncated);
        Assert.Equal(firstLength + secondLength + 3, encoded.Ids.Count);
        Assert.Equal(secondLength + 1, encoded.TypeIds.Sum());
        Assert.Equal(102, encoded.Ids[firstLength + 1]);
    }

    [Fact]
    public void A_single_text_is_cut_at_its_end()
    {
        HuggingFaceTokenizer tokenizer = Tokenizers["minilm"].Value;
        IReadOnlyList<int> whole = tokenizer.Encode("one two three four").Ids;
        TokenizedText cut = tokenizer.Encode("one two three four", maxTokens: 4);
        Assert.Equal([.. whole.Take(3), 102], cut.Ids);
        Assert.True(cut.Truncated);
        Assert.False(tokenizer.Encode("one two three four", maxTokens: 6).Truncated);
    }

    [Fact]
    public void A_limit_below_the_special_tokens_is_refused()
    {
        HuggingFaceTokenizer tokenizer = Tokenizers["minilm"].Value;
        ArgumentOutOfRangeException e = Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Encode("a", maxTokens: 1));
        Assert.Contains("2 special tokens", e.Message);
    }

    [Fact]
    public void A_token_limit_does_not_cut_a_character_in_two()
    {
        HuggingFaceTokenizer tokenizer = Tokenizers["gpt2"].Value;
        const string Text = "a\U0001D49Cb";
        IReadOnlyList<int> all = tokenizer.EncodeToIds(Text);
        Assert.True(all.Count > 3);
        for (int limit = 1; limit <= all.Count; limit++)
        {
            IReadOnlyList<int> ids = tokenizer.EncodeToIds(Text, limit, out string? normalized, out int consumed);
            Assert.Null(normalized);
            Assert.True(ids.Count <= limit);
            Assert.Equal(Text[..consumed], tokenizer.Decode(ids));
            Assert.Equal(consumed, tokenizer.GetIndexByTokenCount(Text, limit, out _, out int count));
            Assert.Equal(ids.Count, count);

            int index = tokenizer.GetIndexByTokenCountFromEnd(Text, limit, out _, out int countFromEnd);
            Assert.True(countFromEnd <= limit);
            Assert.Equal(Text[index..], tokenizer.Decode(all.TakeLast(countFromEnd)));
        }
        Assert.Equal(all.Count, tokenizer.CountTokens(Text));
    }

    [Fact]
    public void Decoding_into_a_span_takes_all_or_nothing()
    {
        HuggingFaceTokenizer tokenizer = Tokenizers["gpt2"].Value;
        IReadOnlyList<int> ids = tokenizer.EncodeToIds("Hello world");
        char[] buffer = new char[11];

        Assert.Equal(OperationStatus.Done, tokenizer.Decode(ids, buffer, out int consumed, out int written));
        Assert.Equal((ids.Count, 11, "Hello world"), (consumed, written, new string(buffer)));
        Assert.Equal(OperationStatus.DestinationTooSmall, tokenizer.Decode(ids, buffer.AsSpan(1), out consumed, out written));
        Assert.Equal((0, 0), (consumed, written));
    }

    [Fact]
    public void Ids_without_a_token_are_left_out_when_decoding() =>
        Assert.Equal("Hello", Tokenizers["gpt2"].Value.Decode([-1, 15496, 1_000_000]));

    [Fact]
    public void Leaving_out_normalization_is_refused() =>
        Assert.Throws<NotSupportedException>(() => Tokenizers["gpt2"].Value.EncodeToIds("a", considerNormalization: false));
}
