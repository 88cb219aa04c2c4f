namespace Microsoft.ML.Peft.Tokenization;

/// <summary>The metadata of a GGUF file as its tokenizer is read from them; errors name the file and the key.</summary>
/// <param name="path">The file.</param>
/// <param name="values">Numbers of .NET's types, truth values, strings and arrays of these, by their keys.</param>
internal sealed class GgufMetadata(string path, IReadOnlyDictionary<string, object> values)
{
    public bool Has(string key) => values.ContainsKey(key);

    public string Text(string key) => Required<string>(key, "a string");

    public string[] Texts(string key) => Required<string[]>(key, "an array of strings");

    public float[] Numbers(string key) => Required<float[]>(key, "an array of 32-bit floating point numbers");

    public int[] Integers(string key) => Required<object>(key, "") switch
    {
        int[] integers => integers,
        uint[] integers => Array.ConvertAll(integers, value => (int)Math.Min(value, int.MaxValue)),
        _ => throw Invalid(key, "is not an array of 32-bit integers"),
    };

    public bool Flag(string key, bool missing) => Has(key) ? Required<object>(key, "") as bool? ?? throw Invalid(key, "is neither true nor false") : missing;

    /// <summary>A whole number that is not negative; null when it is missing.</summary>
    public int? Count(string key) => values.GetValueOrDefault(key) switch
    {
        null => null,
        byte value => value,
        ushort value => value,
        uint and <= int.MaxValue or int and >= 0 or ulong and <= int.MaxValue or long and >= 0 and <= int.MaxValue => Convert.ToInt32(values[key]),
        _ => throw Invalid(key, "is not an index or count"),
    };

    public InvalidDataException Invalid(string key, string problem) => new($"{path}: the metadata value '{key}' {problem}.");

    public NotSupportedException Unsupported(string key, string problem) => new($"{path}: the metadata value '{key}' {problem}.");

    private T Required<T>(string key, string kind)
        where T : class
    {
        object value = values.GetValueOrDefault(key) ?? throw Invalid(key, "is missing; use a file that contains the tokenizer");
        return value as T ?? throw Invalid(key, $"is not {kind}");
    }
}
