using System.Globalization;
using Microsoft.ML.Data;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A row with a column of every primitive type that a class can have, and vectors.</summary>
internal sealed class Wide
{
    public string Text { get; set; } = "";
    public bool Boolean { get; set; }
    public sbyte Int8 { get; set; }
    public byte UInt8 { get; set; }
    public short Int16 { get; set; }
    public ushort UInt16 { get; set; }
    public int Int32 { get; set; }
    public uint UInt32 { get; set; }
    public long Int64 { get; set; }
    public ulong UInt64 { get; set; }
    public float Single { get; set; }
    public double Double { get; set; }
    public DateTime DateTime { get; set; }
    public DateTimeOffset DateTimeOffset { get; set; }
    public TimeSpan TimeSpan { get; set; }
    public DataViewRowId RowId { get; set; }

    [KeyType(10)]
    public uint Key { get; set; }

    [VectorType(3)]
    public float[] Vector { get; set; } = [];

    public string[] Texts { get; set; } = [];

    public static Wide Row(int i) => new()
    {
        Text = new string('t', i),
        Boolean = i % 2 == 1,
        Int8 = (sbyte)-i,
        UInt8 = (byte)i,
        Int16 = (short)-i,
        UInt16 = (ushort)i,
        Int32 = -i,
        UInt32 = (uint)i,
        Int64 = -i,
        UInt64 = (ulong)i,
        Single = i / 2f,
        Double = i / 4d,
        DateTime = new DateTime(2020, 1, 1 + i, 0, 0, 0, DateTimeKind.Utc),
        DateTimeOffset = new DateTimeOffset(2020, 1, 1 + i, 0, 0, 0, TimeSpan.FromHours(2)),
        TimeSpan = TimeSpan.FromHours(i),
        RowId = new DataViewRowId((ulong)i, 1),
        Key = (uint)i,
        Vector = [i, -i, 0],
        Texts = [.. Enumerable.Repeat("v", i)],
    };

    public override string ToString() => string.Join("|", GetType().GetProperties().Select(p => p.GetValue(this) switch
    {
        float[] numbers => string.Join(",", numbers),
        string[] texts => string.Join(",", texts),
        var value => Convert.ToString(value, CultureInfo.InvariantCulture),
    }));
}
