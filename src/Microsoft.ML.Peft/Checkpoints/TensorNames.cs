namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Helps with tensors that were asked for by a name that a file does not have.</summary>
internal static class TensorNames
{
    private const int Shown = 3;

    public static InvalidDataException Missing(string name, IEnumerable<string> present, string path)
    {
        string[] nearest = [.. present.OrderByDescending(other => Likeness(name, other)).ThenBy(other => other, StringComparer.Ordinal).Take(Shown)];
        string hint = nearest.Length == 0 ? "it has none" : $"the nearest names are {string.Join(", ", nearest.Select(other => $"'{other}'"))}";
        return new InvalidDataException($"'{path}' has no tensor '{name}'; {hint}. Check that the file belongs to this model.");
    }

    // Names of tensors differ in a prefix ("bert.") or in their last segment, so their common ends tell most.
    private static int Likeness(string a, string b)
    {
        int prefix = a.AsSpan().CommonPrefixLength(b);
        int suffix = 0;
        int most = Math.Min(a.Length, b.Length) - prefix;
        while (suffix < most && a[^(suffix + 1)] == b[^(suffix + 1)])
        {
            suffix++;
        }

        return prefix + suffix;
    }
}
