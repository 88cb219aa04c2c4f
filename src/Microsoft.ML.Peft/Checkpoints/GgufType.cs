using System.Collections.Immutable;
using TorchSharp;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>Turns whole blocks into their elements' values, which exactly fill the target.</summary>
internal delegate void Dequantizer(ReadOnlySpan<byte> blocks, Span<float> values);

/// <summary>How ggml stores elements: in blocks of <c>BlockLength</c> elements and <c>BlockBytes</c> bytes, which never cross a row.</summary>
/// <param name="Id">The number that stands for the type in a file.</param>
/// <param name="Name">The name by which the type is known.</param>
/// <param name="BlockLength">The elements of a block; 1 for plain types.</param>
/// <param name="BlockBytes">The bytes of a block.</param>
/// <param name="Dequantize">Reads blocks; null where the type can be listed but not read.</param>
/// <param name="ScalarType">The same type in libtorch, where there is one.</param>
internal sealed record GgufType(
    uint Id, string Name, int BlockLength, int BlockBytes, Dequantizer? Dequantize = null, torch.ScalarType? ScalarType = null)
{
    public static ImmutableArray<GgufType> All { get; } =
    [
        new(0, "F32", 1, 4, GgufBlocks.F32, torch.ScalarType.Float32),
        new(1, "F16", 1, 2, GgufBlocks.F16, torch.ScalarType.Float16),
        new(30, "BF16", 1, 2, GgufBlocks.BF16, torch.ScalarType.BFloat16),
        new(2, "Q4_0", 32, 18, GgufBlocks.Q4_0),
        new(3, "Q4_1", 32, 20, GgufBlocks.Q4_1),
        new(6, "Q5_0", 32, 22, GgufBlocks.Q5_0),
        new(7, "Q5_1", 32, 24, GgufBlocks.Q5_1),
        new(8, "Q8_0", 32, 34, GgufBlocks.Q8_0),
        new(12, "Q4_K", 256, 144, GgufBlocks.Q4_K),
        new(13, "Q5_K", 256, 176, GgufBlocks.Q5_K),
        new(14, "Q6_K", 256, 210, GgufBlocks.Q6_K),
        new(9, "Q8_1", 32, 36),
        new(10, "Q2_K", 256, 84),
        new(11, "Q3_K", 256, 110),
        new(15, "Q8_K", 256, 292),
        new(16, "IQ2_XXS", 256, 66),
        new(17, "IQ2_XS", 256, 74),
        new(18, "IQ3_XXS", 256, 98),
        new(19, "IQ1_S", 256, 50),
        new(20, "IQ4_NL", 32, 18),
        new(21, "IQ3_S", 256, 110),
        new(22, "IQ2_S", 256, 82),
        new(23, "IQ4_XS", 256, 136),
        new(24, "I8", 1, 1),
        new(25, "I16", 1, 2),
        new(26, "I32", 1, 4),
        new(27, "I64", 1, 8),
        new(28, "F64", 1, 8),
        new(29, "IQ1_M", 256, 56),
        new(34, "TQ1_0", 256, 54),
        new(35, "TQ2_0", 256, 66),
        new(39, "MXFP4", 32, 17),
    ];

    /// <summary>The names of the types that can be read, for messages.</summary>
    public static string Readable => string.Join(", ", All.Where(type => type.Dequantize is not null).Select(type => type.Name));

    public static GgufType? Numbered(uint id) => All.FirstOrDefault(type => type.Id == id);
}
