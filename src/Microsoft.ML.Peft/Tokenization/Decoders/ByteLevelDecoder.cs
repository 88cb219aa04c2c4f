using System.Text;

namespace Microsoft.ML.Peft.Tokenization.Decoders;

/// <summary>Reads the byte alphabet back; bytes that are not UTF-8 become U+FFFD.</summary>
internal sealed class ByteLevelDecoder : ITokenDecoder
{
    public IReadOnlyList<string> Decode(IReadOnlyList<string> tokens)
    {
        List<byte> bytes = [];
        foreach (string token in tokens)
        {
            int start = bytes.Count;
            foreach (char unit in token)
            {
                if (ByteAlphabet.TryGetByte(unit, out byte value))
                {
                    bytes.Add(value);
                    continue;
                }
                // A token with a character outside of the alphabet was added as plain text.
                bytes.RemoveRange(start, bytes.Count - start);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                break;
            }
        }
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}
