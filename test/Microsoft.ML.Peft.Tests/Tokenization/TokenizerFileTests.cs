using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Tokenization;

namespace Microsoft.ML.Peft.Tests;

public class TokenizerFileTests
{
    private const string Bpe = """{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}""";

    [Fact]
    public void A_missing_file_is_named()
    {
        string path = Path.Combine(Path.GetTempPath(), "peftml-none", "tokenizer.json");
        FileNotFoundException e = Assert.Throws<FileNotFoundException>(() => HuggingFaceTokenizer.Load(path));
        Assert.Contains(path, e.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"model":[]}""")]
    [InlineData("""{"model":{"type":"BPE","merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0}}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":1e99},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":"0"},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a b"]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["a c"]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":["ab"]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[7]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[[1,2]]}}""")]
    [InlineData("""{"model":{"type":"BPE","unk_token":"<unk>","vocab":{"a":0},"merges":[]}}""")]
    [InlineData("""{"model":{"type":"BPE","vocab":{"\ud800":0},"merges":["\ud800 a"]}}""")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{"a":0}}}""")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":1,"vocab":[["a",-1]]}}""")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":0,"vocab":[]}}""")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":0,"vocab":[["a"]]}}""")]
    [InlineData("""{"model":@,"added_tokens":[{"id":3}]}""")]
    [InlineData("""{"model":@,"added_tokens":[{"id":2.5,"content":"c"}]}""")]
    [InlineData("""{"model":@,"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}}""")]
    [InlineData("""{"model":@,"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////wAAAAA="}}""")]
    [InlineData("""{"model":@,"normalizer":{"type":"Precompiled","precompiled_charsmap":"?"}}""")]
    [InlineData("""{"model":@,"normalizer":{"type":"Replace","content":"x"}}""")]
    [InlineData("""{"model":@,"normalizer":{"type":"Lowercase","type":7}}""")]
    [InlineData("""{"model":@,"post_processor":{"type":"BertProcessing","sep":["a"],"cls":["b",1]}}""")]
    [InlineData("""{"model":@,"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}}],"pair":[],"special_tokens":{}}}""")]
    public void Damage_is_reported_with_the_file(string json)
    {
        using TemporaryDirectory folder = new();
        string path = folder.Write("tokenizer.json", json.Replace("@", Bpe));
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.Load(path));
        Assert.Contains(path, e.Message);
    }

    [Theory]
    [InlineData("""{"model":{"type":"WordLevel","vocab":{}}}""", "WordLevel")]
    [InlineData("""{"model":@,"normalizer":{"type":"Nmt"}}""", "Nmt")]
    [InlineData("""{"model":@,"pre_tokenizer":{"type":"UnicodeScripts"}}""", "UnicodeScripts")]
    [InlineData("""{"model":@,"decoder":{"type":"CTC"}}""", "CTC")]
    [InlineData("""{"model":@,"post_processor":{"type":"Other"}}""", "Other")]
    [InlineData("""{"model":{"type":"BPE","dropout":0.1,"vocab":{},"merges":[]}}""", "dropout")]
    [InlineData("""{"model":@,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\p{Han}"},"behavior":"Isolated"}}""", "Han")]
    [InlineData("""{"model":@,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"[a[b]]"},"behavior":"Isolated"}}""", "class")]
    public void What_is_not_supported_is_named(string json, string named)
    {
        using TemporaryDirectory folder = new();
        string path = folder.Write("tokenizer.json", json.Replace("@", Bpe));
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => HuggingFaceTokenizer.Load(path));
        Assert.Contains(path, e.Message);
        Assert.Contains(named, e.Message);
    }

    [Fact]
    public void A_damaged_configuration_beside_it_is_named()
    {
        using TemporaryDirectory folder = new();
        string path = folder.Write("tokenizer.json", $$"""{"model":{{Bpe}}}""");
        string config = folder.Write("tokenizer_config.json", "{");
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => HuggingFaceTokenizer.Load(path));
        Assert.Contains(config, e.Message);
    }

    [Fact]
    public void Files_of_early_versions_are_read()
    {
        using TemporaryDirectory folder = new();
        string path = folder.Write("tokenizer.json", """{"model":{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}""");
        folder.Write("special_tokens_map.json", """{"pad_token":{"content":"b","lstrip":false}}""");
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
        Assert.Equal([2, 0], tokenizer.EncodeToIds("aba"));
        Assert.Equal("ab a", tokenizer.Decode([2, 0]));
        Assert.Equal(1, tokenizer.PadId);
    }

    [Fact]
    public void Added_tokens_honour_their_flags()
    {
        using TemporaryDirectory folder = new();
        string path = folder.Write("tokenizer.json", $$"""
            {"model":{{Bpe}}, "normalizer":{"type":"Lowercase"}, "added_tokens":[
              {"id":3,"content":"AB","single_word":true,"normalized":false,"special":true},
              {"id":4,"content":"<x>","lstrip":true,"rstrip":true,"normalized":false},
              {"id":5,"content":"Ba","normalized":true}]}
            """);
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
        Assert.Equal([3], tokenizer.EncodeToIds("AB"));
        Assert.Equal([2, 1], tokenizer.EncodeToIds("ABb"));
        Assert.Equal([0, 4, 1], tokenizer.EncodeToIds("a  <x> b"));
        Assert.Equal([5, 0], tokenizer.EncodeToIds("BAa"));
        Assert.Equal([0, 1], tokenizer.EncodeToTokens("a  <x> b", out _).Where(t => t.Id != 4).Select(t => t.Id));
        Assert.Equal(1..7, tokenizer.EncodeToTokens("a  <x> b", out _)[1].Offset);
    }
}
