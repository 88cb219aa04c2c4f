using CsCheck;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Tokenization;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Peft.Tests;

/// <summary>What holds of every tokenizer and every text.</summary>
public sealed class TokenizerPropertyTests
{
    private const string Seed = "0000000000000";

    public static TheoryData<string> All =>
        [.. Directory.GetDirectories(Path.Combine(Fixtures.Default, "tokenizers")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(All))]
    public void Any_text_is_encoded_and_decoded_even_with_halves_of_surrogate_pairs(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        Gen.Select(RandomTexts.Any, RandomTexts.Any).Sample((text, second) =>
        {
            TokenizedText encoded = tokenizer.Encode(text, second), single = tokenizer.Encode(text);
            Assert.Equal(encoded.Ids.Count, encoded.TypeIds.Count);
            Assert.All(encoded.Ids.Concat(single.Ids), id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
            Assert.NotNull(tokenizer.Decode(encoded.Ids, skipSpecialTokens: true));
            Assert.NotNull(tokenizer.Decode(encoded.Ids, skipSpecialTokens: false));
            Assert.Equal(single.Ids, tokenizer.Encode(text).Ids);
        }, seed: Seed, iter: 300, threads: 1);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Tokens_come_from_the_text_in_its_order(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        RandomTexts.Any.Sample(text =>
        {
            IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeToTokens(text, out _);
            int start = 0;
            foreach (var token in tokens)
            {
                Assert.InRange(token.Offset.Start.Value, start, text.Length);
                Assert.InRange(token.Offset.End.Value, token.Offset.Start.Value, text.Length);
                start = token.Offset.Start.Value;
            }
            Assert.Equal(tokens.Select(token => token.Id), tokenizer.EncodeToIds(text));
            Assert.Equal(tokens.Count, tokenizer.CountTokens(text));
        }, seed: Seed, iter: 300, threads: 1);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_limit_is_kept_by_texts_and_pairs(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        Gen.Select(RandomTexts.Any, RandomTexts.Any, Gen.Int[8, 20]).Sample((text, second, limit) =>
        {
            Assert.InRange(tokenizer.Encode(text, null, limit).Ids.Count, 0, limit);
            Assert.InRange(tokenizer.Encode(text, second, limit).Ids.Count, 0, limit);
        }, seed: Seed, iter: 200, threads: 1);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Any_ids_are_decoded_and_those_without_a_token_left_out(string name)
    {
        var tokenizer = RandomTexts.Tokenizer(name);
        Gen.Int[-3, tokenizer.VocabularySize + 3].Array[0, 30].Sample(ids =>
        {
            int[] known = [.. ids.Where(id => tokenizer.IdToToken(id) is not null)];
            Assert.Equal(tokenizer.Decode(known, skipSpecialTokens: false), tokenizer.Decode(ids, skipSpecialTokens: false));
        }, seed: Seed, iter: 300, threads: 1);
    }
}
