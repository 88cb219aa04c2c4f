using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft;

/// <summary>What a frozen model's files say about it. Reading that takes moments, because no weights are loaded.</summary>
public sealed record ModelDescription
{
    private ModelDescription() { }

    /// <summary>The directory or `.gguf` file.</summary>
    public required string Path { get; init; }

    /// <summary>Whether it is a GGUF file, and no directory in Hugging Face layout.</summary>
    public required bool IsGguf { get; init; }

    /// <summary>The model's shape.</summary>
    public required ModelConfiguration Configuration { get; init; }

    /// <summary>`encoder`, `decoder` or `encoder-decoder`.</summary>
    public required string Architecture { get; init; }

    /// <summary>The weights' number of values.</summary>
    public required long Parameters { get; init; }

    /// <summary>The weights' bytes in the files.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>How many parameters are stored in each number format, most first: `F32`, `BF16`, or a GGUF type such as `Q4_1`.</summary>
    public required IReadOnlyList<KeyValuePair<string, long>> NumberFormats { get; init; }

    /// <summary>The tokenizer's algorithm: `BPE`, `WordPiece` or `Unigram`.</summary>
    public required string Tokenizer { get; init; }

    /// <summary>The tokenizer's number of tokens, added ones included.</summary>
    public required int TokenizerVocabulary { get; init; }

    /// <summary>The recognised format of conversations, such as `ChatML`; `plain` where there is none, null where the model does not write.</summary>
    public required string? ChatFormat { get; init; }

    /// <summary>Whether a soft prompt with a head can classify and regress on it.</summary>
    public bool Classifies => Architecture != EncoderDecoderName;

    /// <summary>Whether it writes, alone and with a soft prompt.</summary>
    public bool Writes => Architecture != EncoderName;

    private const string EncoderName = "encoder", EncoderDecoderName = "encoder-decoder";

    /// <summary>The memory that the loaded weights take, in bytes; GGUF files are dequantised.</summary>
    /// <param name="precision">The number format in memory: <see cref="Precision.Float32"/> or <see cref="Precision.BFloat16"/>.</param>
    /// <exception cref="ArgumentException">The precision is <see cref="Precision.Auto"/>, which a machine decides.</exception>
    public long MemoryBytes(Precision precision) => precision switch
    {
        Precision.Float32 => 4 * Parameters,
        Precision.BFloat16 => 2 * Parameters,
        _ => throw new ArgumentException($"{precision} is no number format in memory; give {nameof(Precision.Float32)} or {nameof(Precision.BFloat16)}.", nameof(precision)),
    };

    /// <summary>Describes a model on this machine.</summary>
    /// <param name="model">A directory in Hugging Face layout, a `.gguf` file, or the name of either as in `PretrainedModel.Load`; nothing is downloaded.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such model; the message lists where it was looked for.</exception>
    /// <exception cref="FileNotFoundException">The directory lacks one of the files.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="NotSupportedException">The architecture or file format is not supported; the message lists those that are.</exception>
    public static ModelDescription Read(string model)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        string path = ModelLocator.Resolve(model);
        using var files = ModelFiles.At(path);
        var config = files.ReadConfig();
        var configuration = files.FamilyOf(config).Plan(config).Configuration;
        string architecture = configuration switch { EncoderConfiguration => EncoderName, EncoderDecoderConfiguration => EncoderDecoderName, _ => "decoder" };
        var tokenizer = files.LoadTokenizer();
        using var weights = files.OpenWeights();
        // Position ids, which some files store, are no weights.
        var stored = weights.Sizes.Where(tensor => !tensor.Type.StartsWith('U') && tensor.Type is not ("BOOL" or "I8" or "I16" or "I32" or "I64")).ToList();
        return new ModelDescription
        {
            Path = path,
            IsGguf = !Directory.Exists(path),
            Configuration = configuration,
            Architecture = architecture,
            Parameters = stored.Sum(tensor => tensor.Values),
            WeightBytes = stored.Sum(tensor => tensor.Bytes),
            NumberFormats = [.. stored.GroupBy(tensor => tensor.Type).Select(group => KeyValuePair.Create(group.Key, group.Sum(tensor => tensor.Values))).OrderByDescending(format => format.Value)],
            Tokenizer = tokenizer.Kind,
            TokenizerVocabulary = tokenizer.VocabularySize,
            ChatFormat = architecture == EncoderName ? null : ChatFormats.Recognize(files.ReadChatTemplate(), tokenizer).Name,
        };
    }
}
