using System.ComponentModel.DataAnnotations;

namespace WebApi;

/// <summary>The section `Peft` of the configuration; an environment variable such as `Peft__ApiKey` sets one value of it.</summary>
internal sealed record Settings
{
    public const string Section = "Peft";

    /// <summary>The frozen encoder that classifies: a directory or a name.</summary>
    [Required]
    public string Encoder { get; init; } = "all-MiniLM-L6-v2";

    /// <summary>The frozen language model that writes: a directory, a `.gguf` file or a name.</summary>
    [Required]
    public string LanguageModel { get; init; } = "SmolLM2-135M-Instruct";

    /// <summary>The directory of the adapters, one subdirectory each; what clients upload and remove is written and deleted there.</summary>
    [Required]
    public string AdapterDirectory { get; init; } = Path.Combine(AppContext.BaseDirectory, "adapters");

    /// <summary>What clients have to send in the header `X-Api-Key`. Without one nobody can change adapters.</summary>
    [RegularExpression(".{16,}", ErrorMessage = "Peft:ApiKey is shorter than 16 characters; take a longer one, such as the output of: openssl rand -hex 24")]
    public string? ApiKey { get; init; }

    /// <summary>Whether classifying, writing and listing adapters need the key, too.</summary>
    public bool RequireApiKey { get; init; }

    /// <summary>The most bytes of a request's body, but for uploads.</summary>
    [Range(1024, int.MaxValue)]
    public int MaxRequestBytes { get; init; } = 256 * 1024;

    /// <summary>The most bytes of an upload.</summary>
    [Range(1024, int.MaxValue)]
    public int MaxUploadBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>The most bytes of an upload's files once they are unpacked.</summary>
    [Range(1024, int.MaxValue)]
    public int MaxAdapterBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>The most adapters that are served at a time.</summary>
    [Range(1, 10_000)]
    public int MaxAdapters { get; init; } = 100;

    /// <summary>The most characters of a text.</summary>
    [Range(1, 1_000_000)]
    public int MaxTextLength { get; init; } = 8000;

    /// <summary>The most texts of a request.</summary>
    [Range(1, 1000)]
    public int MaxTexts { get; init; } = 64;

    /// <summary>The most rows that pass the encoder together; 1 switches batching off.</summary>
    [Range(1, 1000)]
    public int MaxBatchRows { get; init; } = 32;

    /// <summary>How many milliseconds the first row of a batch waits for others.</summary>
    [Range(0, 10_000)]
    public double BatchDelay { get; init; } = 2;

    /// <summary>The most requests for classification that wait; further ones are rejected.</summary>
    [Range(1, 100_000)]
    public int MaxWaitingRequests { get; init; } = 256;

    /// <summary>The most texts that are written at a time; further ones are rejected.</summary>
    [Range(1, 1000)]
    public int MaxWritings { get; init; } = 16;

    /// <summary>The most tokens that are written on a text.</summary>
    [Range(1, 100_000)]
    public int MaxNewTokens { get; init; } = 256;
}
