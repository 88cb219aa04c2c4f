namespace Microsoft.ML.Peft.Tokenization;

/// <summary>
/// The alphabet of byte-level models: each byte is one printable character. Printable Latin-1 bytes stand for themselves,
/// the others follow from U+0100 on.
/// </summary>
internal static class ByteAlphabet
{
    /// <summary>How a space is written.</summary>
    public const char Space = 'Ġ';

    private static readonly char[] CharOfByte = BuildChars();
    private static readonly short[] ByteOfChar = BuildBytes();

    public static char ToChar(byte value) => CharOfByte[value];

    public static bool TryGetByte(char unit, out byte value)
    {
        int found = unit < ByteOfChar.Length ? ByteOfChar[unit] : -1;
        value = (byte)found;
        return found >= 0;
    }

    private static char[] BuildChars()
    {
        char[] chars = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            chars[value] = printable ? (char)value : (char)next++;
        }
        return chars;
    }

    private static short[] BuildBytes()
    {
        short[] bytes = new short[CharOfByte.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++)
            bytes[CharOfByte[value]] = (short)value;
        return bytes;
    }
}
