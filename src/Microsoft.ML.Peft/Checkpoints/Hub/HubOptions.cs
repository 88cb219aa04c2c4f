using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>Where the hub and its cache are, and how patient a download is. Hugging Face's environment variables decide, as in Python.</summary>
internal sealed partial record HubOptions
{
    private const long MiB = 1 << 20;

    /// <summary>The cache's folder `hub`.</summary>
    public required string CacheDirectory { get; init; }

    /// <summary>The hub or a mirror of it, without a slash at the end.</summary>
    public string Endpoint { get; init; } = "https://huggingface.co";

    /// <summary>Sent to <see cref="Endpoint"/> only; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>Only the cache is used.</summary>
    public bool Offline { get; init; }

    /// <summary>False to let snapshots hold the files themselves, as on file systems without symbolic links.</summary>
    public bool SymbolicLinks { get; init; } = true;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A server that sends nothing for so long has stalled.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes per second; a server that sends fewer over a whole <see cref="RateWindow"/> has stalled, too.</summary>
    public int MinimumRate { get; init; } = 1024;

    public TimeSpan RateWindow { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Attempts after the first, at least 1; a download that gets ahead has them anew.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>The wait before the first further attempt; it doubles from one to the next.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>Where the server asks for a longer wait, the download ends.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Bytes; larger JSON files are refused.</summary>
    public long MaxJsonSize { get; init; } = 128 * MiB;

    /// <summary>Bytes; larger files of weights are refused.</summary>
    public long MaxWeightsSize { get; init; } = 1024 * 1024 * MiB;

    /// <summary>The bytes left on the disk of a directory.</summary>
    public Func<string, long> FreeSpace { get; init; } = FreeSpaceOf;

    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <param name="variable">Gives an environment variable, or null.</param>
    /// <exception cref="ArgumentException">A variable holds what cannot be used.</exception>
    public static HubOptions From(Func<string, string?> variable)
    {
        string? Value(params string[] names) => names.Select(variable).FirstOrDefault(value => !string.IsNullOrWhiteSpace(value))?.Trim();
        string? Folder(params string[] names) => Value(names) is { } path ? Expand(path, variable) : null;

        string home = Folder("HF_HOME") ?? Path.Combine(Folder("XDG_CACHE_HOME") ?? Path.Combine(UserFolder, ".cache"), "huggingface");
        var options = new HubOptions
        {
            CacheDirectory = Path.GetFullPath(Folder("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE") ?? Path.Combine(home, "hub")),
            Offline = IsTrue(Value("HF_HUB_OFFLINE")) || IsTrue(Value("TRANSFORMERS_OFFLINE")),
            SymbolicLinks = !IsTrue(Value("HF_HUB_DISABLE_SYMLINKS")),
            Token = IsTrue(Value("HF_HUB_DISABLE_IMPLICIT_TOKEN"))
                ? null
                : CheckToken(Value("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") ?? ReadToken(Folder("HF_TOKEN_PATH") ?? Path.Combine(home, "token"))),
        };
        if (Value("HF_ENDPOINT") is { } endpoint)
            options = options with { Endpoint = CheckEndpoint(endpoint) };
        if (Value("HF_HUB_DOWNLOAD_TIMEOUT") is { } timeout)
            options = options with { StallTimeout = Seconds("HF_HUB_DOWNLOAD_TIMEOUT", timeout) };
        return options;
    }

    /// <summary>Without the token.</summary>
    public override string ToString() => $"{Endpoint}, cache '{CacheDirectory}'{(Offline ? ", offline" : "")}";

    private static long FreeSpaceOf(string directory)
    {
        try
        {
            return new DriveInfo(directory).AvailableFreeSpace;
        }
        catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return long.MaxValue;   // network shares do not say; writing will tell
        }
    }

    private static string UserFolder => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static bool IsTrue(string? value) => value?.ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    /// <summary>Shells replace `~` and variables, files of settings do not.</summary>
    private static string Expand(string path, Func<string, string?> variable)
    {
        path = Variable().Replace(path, match => variable(match.Groups["name"].Value) ?? match.Value);
        return path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? UserFolder + path[1..] : path;
    }

    private static string CheckEndpoint(string endpoint) =>
        Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Query.Length == 0 && uri.Fragment.Length == 0
            ? endpoint.TrimEnd('/')
            : throw new ArgumentException($"HF_ENDPOINT is '{endpoint}'; expected the address of a hub, such as https://huggingface.co.");

    private static TimeSpan Seconds(string name, string value) =>
        double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and <= 86400
            ? TimeSpan.FromSeconds(seconds)
            : throw new ArgumentException($"{name} is '{value}'; expected a number of seconds above 0.");

    private static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } token ? token : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"The token file '{path}' cannot be read ({e.Message}); make it readable, or set HF_TOKEN.", e);
        }
    }

    // The message does not repeat the token.
    private static string? CheckToken(string? token) => token?.AsSpan().ContainsAnyExceptInRange('!', '~') == true
        ? throw new ArgumentException("The Hugging Face token holds a space or a character that is not ASCII; set HF_TOKEN, or the token file, to the token alone.")
        : token;

    [GeneratedRegex(@"\$(?<name>[A-Za-z_]\w*)|\$\{(?<name>[^}]+)\}|%(?<name>[A-Za-z_]\w*)%", RegexOptions.ExplicitCapture)]
    private static partial Regex Variable();
}
