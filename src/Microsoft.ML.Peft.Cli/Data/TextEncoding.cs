using System.Text;

namespace Microsoft.ML.Peft.Cli.Data;

/// <summary>Finds a file's encoding: the one named, that of its byte order mark, UTF-16 by its zeros, or else strict UTF-8.</summary>
internal static class TextEncoding
{
    private const int PrefixLength = 1 << 16;

    public static Encoding Of(string path, string? name)
    {
        if (name is not null)
            return Named(name);
        byte[] prefix = ReadPrefix(path);
        return Marked(prefix) ?? Unmarked(prefix);
    }

    /// <summary>The sentence for bytes that are no text in the encoding.</summary>
    public static InvalidDataException Undecodable(string path, Encoding encoding) => new(
        $"'{path}' is not {encoding.WebName}: it holds bytes that mean nothing there; name its encoding with --encoding, {Guess(path)}.");

    private static Encoding Named(string name)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        try
        {
            return Encoding.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"There is no encoding '{name}'; give a name such as utf-8, utf-16, windows-1252, iso-8859-15, shift_jis or euc-jp.", e);
        }
    }

    private static byte[] ReadPrefix(string path)
    {
        using var file = File.OpenRead(path);
        byte[] prefix = new byte[PrefixLength];
        return prefix[..file.ReadAtLeast(prefix, PrefixLength, throwOnEndOfStream: false)];
    }

    private static Encoding? Marked(ReadOnlySpan<byte> prefix) => prefix switch
    {
        [0xEF, 0xBB, 0xBF, ..] => Utf8,
        [0xFF, 0xFE, 0, 0, ..] => new UTF32Encoding(bigEndian: false, byteOrderMark: true, throwOnInvalidCharacters: true),
        [0xFF, 0xFE, ..] => new UnicodeEncoding(bigEndian: false, byteOrderMark: true, throwOnInvalidBytes: true),
        [0xFE, 0xFF, ..] => new UnicodeEncoding(bigEndian: true, byteOrderMark: true, throwOnInvalidBytes: true),
        _ => null,
    };

    /// <summary>Text has no zeros but those of UTF-16, where separators, digits and line breaks have one each.</summary>
    private static Encoding Unmarked(ReadOnlySpan<byte> prefix)
    {
        int even = 0, odd = 0;
        for (int i = 0; i < prefix.Length; i++)
        {
            if (prefix[i] == 0)
                _ = i % 2 == 0 ? even++ : odd++;
        }
        if (even == odd)
            return Utf8;
        return new UnicodeEncoding(bigEndian: even > odd, byteOrderMark: false, throwOnInvalidBytes: true);
    }

    private static string Guess(string path)
    {
        byte[] prefix = ReadPrefix(path);
        int end = prefix.AsSpan().LastIndexOf((byte)'\n');
        var lines = end < 0 ? prefix : prefix[..end];
        return IsJapanese(lines, "shift_jis") ? "probably shift_jis" : IsJapanese(lines, "euc-jp") ? "probably euc-jp" : "such as windows-1252";
    }

    private static bool IsJapanese(byte[] bytes, string name)
    {
        try
        {
            return Named(name).GetString(bytes).Any(c => c is >= '\u3041' and <= '\u30FA');
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
