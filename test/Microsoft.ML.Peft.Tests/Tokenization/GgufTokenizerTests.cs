using System.Text.Json.Nodes;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Tokenization;
using JsonObject = System.Text.Json.Nodes.JsonObject;

namespace Microsoft.ML.Peft.Tests;

/// <summary>A tokenizer read from metadata, as converters write them, does what the <c>tokenizer.json</c> does that they come from.</summary>
public sealed class GgufTokenizerTests
{
    private const string Prefix = "tokenizer.ggml.";
    private const int Normal = 1, Control = 3, UserDefined = 4, Byte = 6;

    [Theory]
    [Trait("Category", "Parity")]
    [InlineData("gpt2", "gpt-2")]
    [InlineData("tiny-bpe", "gpt-2")]
    [InlineData("smollm2", "smollm")]
    [InlineData("llama3-bpe", "llama-bpe")]
    [InlineData("qwen2-bpe", "qwen2")]
    public void Byte_level_references_are_reproduced(string name, string pre)
    {
        Dictionary<string, object> metadata = Convert(name);
        metadata[Prefix + "model"] = "gpt2";
        metadata[Prefix + "pre"] = pre;

        AssertReproduces(name, HuggingFaceTokenizer.FromGguf("some.gguf", metadata));
    }

    [Theory]
    [Trait("Category", "Parity")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_SentencePiece_reference_is_reproduced_from_merges_or_scores(bool fromScores)
    {
        const string Name = "spbpe-prepend";
        Dictionary<string, object> metadata = Convert(Name);
        metadata[Prefix + "model"] = "llama";
        if (fromScores)
        {
            var merges = (string[])metadata[Prefix + "merges"];
            metadata[Prefix + "scores"] = ((string[])metadata[Prefix + "tokens"])
                .Select(token => -(float)Array.FindIndex(merges, merge => merge.Replace(" ", "") == token)).ToArray();
            metadata.Remove(Prefix + "merges");
        }

        AssertReproduces(Name, HuggingFaceTokenizer.FromGguf("some.gguf", metadata));
    }

    [Theory]
    [Trait("Category", "Parity")]
    [InlineData("tiny-llama-f32.gguf")]
    [InlineData("tiny-llama-q8_0.gguf")]
    public void The_tokenizer_of_a_model_file_is_the_one_beside_the_model(string file)
    {
        using GgufFile model = GgufFile.Open(Path.Combine(Fixtures.Folder("gguf"), file));

        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.FromGguf(model.Path, model.Metadata);

        AssertReproduces("tiny-bpe", tokenizer);
        Assert.Equal((0, 0, 1), (tokenizer.BosId, tokenizer.EosId, tokenizer.PadId));
        Assert.Null(tokenizer.UnkId);
        Assert.Equal(128, tokenizer.ModelMaxLength);
        Assert.Equal(384, tokenizer.VocabularySize);
        Assert.Equal([0, 1], tokenizer.SpecialIds.Order());
    }

    [Fact]
    public void Flags_and_token_types_decide_what_is_added_and_left_out()
    {
        Dictionary<string, object> metadata = Small();
        metadata[Prefix + "token_type"] = new[] { Normal, Normal, Normal, Control, Control, UserDefined };
        metadata[Prefix + "add_bos_token"] = true;
        metadata[Prefix + "add_eos_token"] = true;
        metadata[Prefix + "bos_token_id"] = 3u;
        metadata[Prefix + "eos_token_id"] = 4u;
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.FromGguf("some.gguf", metadata);

        TokenizedText pair = tokenizer.Encode("ab", "b<u>");

        Assert.Equal([3, 2, 4, 3, 1, 5, 4], pair.Ids);
        Assert.Equal([0, 0, 0, 1, 1, 1, 1], pair.TypeIds);
        Assert.Equal("abb<u>", tokenizer.Decode(pair.Ids));
        Assert.Equal([3, 4], tokenizer.SpecialIds.Order());
    }

    [Fact]
    public void The_tokenizer_of_GPT_NeoX_composes_characters_first_and_splits_as_GPT_2_does()
    {
        Dictionary<string, object> metadata = Convert("tiny-bpe");
        metadata[Prefix + "model"] = "gpt2";
        metadata[Prefix + "pre"] = "olmo";
        HuggingFaceTokenizer composed = HuggingFaceTokenizer.FromGguf("some.gguf", metadata);
        metadata[Prefix + "pre"] = "gpt-2";
        HuggingFaceTokenizer plain = HuggingFaceTokenizer.FromGguf("some.gguf", metadata);

        Assert.Equal(plain.Encode("Caf\u00e9 1851, the whale's").Ids, composed.Encode("Cafe\u0301 1851, the whale's").Ids);
        Assert.NotEqual(plain.Encode("Cafe\u0301").Ids, composed.Encode("Cafe\u0301").Ids);
    }

    [Theory]
    [InlineData("phi3", new[] { 3, 0, 4, 0 })]
    [InlineData("llama", new[] { 3, 2, 0, 4, 2, 0 })]
    public void The_tokens_of_Phi_3_take_the_white_space_behind_them(string architecture, int[] expected)
    {
        Dictionary<string, object> metadata = new()
        {
            ["general.architecture"] = architecture,
            [Prefix + "model"] = "llama",
            [Prefix + "tokens"] = new[] { "a", "<unk>", "\u2581", "<|user|>", "<|end|>" },
            [Prefix + "token_type"] = new[] { Normal, 2, Normal, Control, Control },
            [Prefix + "scores"] = new float[5],
            [Prefix + "unknown_token_id"] = 1u,
            [Prefix + "add_bos_token"] = false,
            [Prefix + "add_space_prefix"] = false,
        };
        Assert.Equal(expected, HuggingFaceTokenizer.FromGguf("some.gguf", metadata).Encode("<|user|> a<|end|> a").Ids);
    }

    [Theory]
    [InlineData("model", "bert", "gpt2 or llama")]
    [InlineData("pre", "tekken", "gpt-2, phi-2, smollm")]
    public void Unknown_kinds_are_not_supported(string key, string value, string hint)
    {
        Dictionary<string, object> metadata = Small();
        metadata[Prefix + key] = value;

        string message = Assert.Throws<NotSupportedException>(() => HuggingFaceTokenizer.FromGguf("some.gguf", metadata)).Message;
        Assert.Contains($"some.gguf: the metadata value '{Prefix}{key}' is '{value}'", message);
        Assert.Contains(hint, message);
    }

    public static TheoryData<string, object?, string> Faults => new()
    {
        { "model", null, "is missing" },
        { "tokens", null, "is missing" },
        { "pre", null, "is missing" },
        { "merges", null, "is missing" },
        { "tokens", "a", "is not an array of strings" },
        { "token_type", new[] { 1 }, "has 1 entries for 6 tokens" },
        { "token_type", new[] { "1" }, "is not an array of 32-bit integers" },
        { "merges", new[] { "ab" }, "has the merge 'ab'" },
        { "merges", new[] { "a c" }, "names the token 'c'" },
        { "bos_token_id", 6u, "is 6, but there are only 6 tokens" },
        { "bos_token_id", -1, "is not an index" },
        { "bos_token_id", uint.MaxValue, "is not an index" },
        { "add_eos_token", 1u, "is neither true nor false" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_fault_is_named_with_its_key(string key, object? value, string fault)
    {
        Dictionary<string, object> metadata = Small();
        metadata.Remove(Prefix + key);
        if (value is not null)
            metadata[Prefix + key] = value;

        string message = Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.FromGguf("some.gguf", metadata)).Message;
        Assert.Contains($"some.gguf: the metadata value '{Prefix}{key}' ", message);
        Assert.Contains(fault, message);
    }

    [Fact]
    public void A_token_that_is_to_be_added_must_be_known()
    {
        Dictionary<string, object> metadata = Small();
        metadata[Prefix + "add_bos_token"] = true;

        Assert.Contains("bos_token_id' is missing", Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.FromGguf("some.gguf", metadata)).Message);
    }

    [Fact]
    public void Scores_must_be_as_many_as_tokens()
    {
        Dictionary<string, object> metadata = Small();
        metadata[Prefix + "model"] = "llama";
        metadata[Prefix + "scores"] = new float[5];
        metadata.Remove(Prefix + "merges");

        Assert.Contains("has 5 entries for 6 tokens", Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.FromGguf("some.gguf", metadata)).Message);
    }

    [Fact]
    public void A_damaged_file_gives_a_tokenizer_or_is_refused()
    {
        using TemporaryDirectory folder = new();
        string path = Path.Combine(folder.Path, "damaged.gguf");
        byte[] content = File.ReadAllBytes(Path.Combine(Fixtures.Folder("gguf"), "tiny-llama-q8_0.gguf"));
        Random random = new(3);
        for (int round = 0; round < 200; round++)
        {
            byte[] damaged = [.. content];
            damaged[random.Next(24, 9000)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(path, damaged);
            try
            {
                using GgufFile file = GgufFile.Open(path);
                HuggingFaceTokenizer.FromGguf(path, file.Metadata).Encode("Call me Ishmael.");
            }
            catch (Exception e) when (e is InvalidDataException or NotSupportedException)
            {
                Assert.Contains(path, e.Message);
            }
        }
    }

    private static Dictionary<string, object> Small() => new()
    {
        [Prefix + "model"] = "gpt2",
        [Prefix + "pre"] = "gpt-2",
        [Prefix + "tokens"] = new[] { "a", "b", "ab", "<s>", "</s>", "<u>" },
        [Prefix + "merges"] = new[] { "a b" },
    };

    /// <summary>The values that converters take from a <c>tokenizer.json</c>.</summary>
    private static Dictionary<string, object> Convert(string name)
    {
        JsonNode json = Json(name, "tokenizer.json");
        JsonObject vocabulary = json["model"]!["vocab"]!.AsObject();
        JsonArray added = json["added_tokens"]!.AsArray();
        int count = vocabulary.Select(entry => entry.Value!.GetValue<int>()).Concat(added.Select(token => token!["id"]!.GetValue<int>())).Max() + 1;
        string[] tokens = [.. Enumerable.Range(0, count).Select(id => $"[PAD{id}]")];
        int[] types = [.. Enumerable.Repeat(5, count)];
        foreach ((string token, JsonNode? id) in vocabulary)
            (tokens[id!.GetValue<int>()], types[id.GetValue<int>()]) = (token, token.StartsWith("<0x", StringComparison.Ordinal) ? Byte : Normal);
        foreach (JsonNode? token in added)
        {
            int id = token!["id"]!.GetValue<int>();
            (tokens[id], types[id]) = (token["content"]!.GetValue<string>(), token["special"]!.GetValue<bool>() ? Control : UserDefined);
        }
        Dictionary<string, object> metadata = new()
        {
            [Prefix + "tokens"] = tokens,
            [Prefix + "token_type"] = types,
            [Prefix + "merges"] = json["model"]!["merges"]!.AsArray()
                .Select(merge => merge is JsonArray pair ? string.Join(' ', pair.Select(token => token!.GetValue<string>())) : merge!.GetValue<string>()).ToArray(),
        };
        JsonNode config = Json(name, "tokenizer_config.json");
        foreach ((string role, string key) in new[] { ("bos_token", "bos_token_id"), ("eos_token", "eos_token_id"), ("unk_token", "unknown_token_id") })
        {
            JsonNode? token = config[role] is JsonObject described ? described["content"] : config[role];
            if (token is not null)
                metadata[Prefix + key] = (uint)Array.IndexOf(tokens, token.GetValue<string>());
        }
        return metadata;
    }

    private static void AssertReproduces(string name, HuggingFaceTokenizer tokenizer)
    {
        JsonArray entries = Json(name, "golden.json")["entries"]!.AsArray();
        Assert.NotEmpty(entries);
        foreach (JsonNode? entry in entries)
        {
            int[] ids = [.. entry!["ids"]!.AsArray().Select(id => id!.GetValue<int>())];
            Assert.Equal(ids, tokenizer.Encode(entry["text"]!.GetValue<string>(), entry["pair"]?.GetValue<string>()).Ids);
            if (entry["decoded_skip"] is JsonNode skipped)
                Assert.Equal(skipped.GetValue<string>(), tokenizer.Decode(ids));
            if (entry["decoded_full"] is JsonNode full)
                Assert.Equal(full.GetValue<string>(), tokenizer.Decode(ids, skipSpecialTokens: false));
        }
    }

    private static JsonNode Json(string name, string file)
    {
        string own = Path.Combine(Fixtures.Folder("tokenizers"), name, file);
        return JsonNode.Parse(File.ReadAllBytes(File.Exists(own) ? own : Path.Combine(Fixtures.Default, "tokenizers", name, file)))!;
    }
}
