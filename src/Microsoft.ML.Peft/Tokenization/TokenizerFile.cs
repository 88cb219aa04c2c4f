using System.Text.Json;
using Microsoft.ML.Peft.Tokenization.Decoders;
using Microsoft.ML.Peft.Tokenization.Models;
using Microsoft.ML.Peft.Tokenization.Normalizers;
using Microsoft.ML.Peft.Tokenization.PreTokenizers;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>The parts of a tokenizer as its <c>tokenizer.json</c> describes them.</summary>
internal sealed record TokenizerFile(
    ITokenModel Model,
    INormalizer Normalizer,
    IPreTokenizer PreTokenizer,
    PostProcessor PostProcessor,
    ITokenDecoder Decoder,
    IReadOnlyList<AddedToken> AddedTokens)
{
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or incomplete.</exception>
    /// <exception cref="NotSupportedException">The file asks for a component that is not supported.</exception>
    public static TokenizerFile Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no tokenizer file '{path}'.", path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(new JsonObject(document.RootElement, path, "the tokenizer"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path}: the file cannot be read as JSON of this kind: {e.Message}", e);
        }
    }

    private static TokenizerFile Read(JsonObject root)
    {
        ITokenModel model = ModelReader.Read(root.Object("model"));
        return new TokenizerFile(
            model,
            NormalizerReader.Read(root.OptionalObject("normalizer")),
            PreTokenizerReader.Read(root.OptionalObject("pre_tokenizer")),
            PostProcessorReader.Read(root.OptionalObject("post_processor")),
            DecoderReader.Read(root.OptionalObject("decoder")),
            root.Has("added_tokens") ? [.. root.Objects("added_tokens").Select(token => ReadAddedToken(token, model))] : []);
    }

    /// <summary>A token that the model knows keeps the model's id.</summary>
    private static AddedToken ReadAddedToken(JsonObject token, ITokenModel model)
    {
        string content = token.Text("content");
        return new AddedToken(
            model.Vocabulary.Find(content) ?? token.Count("id"),
            content,
            token.Flag("single_word", missing: false),
            token.Flag("lstrip", missing: false),
            token.Flag("rstrip", missing: false),
            token.Flag("normalized", missing: true),
            token.Flag("special", missing: false));
    }
}
