using System.Globalization;
using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>
/// Reads runs of tokens such as <c>&lt;0x0A&gt;</c> as UTF-8; each byte of a run that is not valid becomes U+FFFD.
/// </summary>
internal sealed class ByteFallbackDecoder : ITokenDecoder
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens)
    {
        List<string> parts = [];
        List<byte> run = [];
        foreach (string token in tokens)
        {
            if (TryReadByte(token, out byte value))
            {
                run.Add(value);
                continue;
            }
            Flush(run, parts);
            parts.Add(token);
        }
        Flush(run, parts);
        return parts;
    }

    private static bool TryReadByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[^1] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static void Flush(List<byte> run, List<string> parts)
    {
        try
        {
            parts.Add(Strict.GetString([.. run]));
        }
        catch (DecoderFallbackException)
        {
            parts.AddRange(run.Select(_ => "\uFFFD"));
        }
        run.Clear();
    }
}
