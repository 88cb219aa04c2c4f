using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.Peft.AutoML.Trials;

/// <summary>Tells rows from others in a few digits.</summary>
internal static class RowsHash
{
    /// <param name="sets">The sets of rows.</param>
    /// <param name="each">Adds the values of each row of a set.</param>
    public static string Of<TRows>(IEnumerable<TRows> sets, Action<TRows, Action<string[]>> each)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int rows = 0;
        void Add(string[] values)
        {
            rows++;
            foreach (string value in values)
                hash.AppendData(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{value.Length}:{value}")));
        }
        foreach (var set in sets)
        {
            each(set, Add);
            hash.AppendData("/"u8);
        }
        return FormattableString.Invariant($"{rows} rows, SHA-256 {Convert.ToHexStringLower(hash.GetHashAndReset())[..16]}");
    }
}
