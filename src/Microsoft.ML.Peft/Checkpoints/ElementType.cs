using System.Collections.Immutable;
using TorchSharp;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>An element type of the safetensors format: its name there, libtorch's type (null where TorchSharp has none) and its size.</summary>
internal sealed record ElementType(string Name, torch.ScalarType? Type, int Bits)
{
    /// <summary>All types, in the order by which the reference implementation sorts tensors (descending) when it writes.</summary>
    public static ImmutableArray<ElementType> All { get; } =
    [
        new("BOOL", torch.ScalarType.Bool, 8),
        new("F4", null, 4),
        new("F6_E2M3", null, 6),
        new("F6_E3M2", null, 6),
        new("U8", torch.ScalarType.Byte, 8),
        new("I8", torch.ScalarType.Int8, 8),
        new("F8_E5M2", null, 8),
        new("F8_E4M3", null, 8),
        new("F8_E8M0", null, 8),
        new("I16", torch.ScalarType.Int16, 16),
        new("U16", null, 16),
        new("F16", torch.ScalarType.Float16, 16),
        new("BF16", torch.ScalarType.BFloat16, 16),
        new("I32", torch.ScalarType.Int32, 32),
        new("U32", null, 32),
        new("F32", torch.ScalarType.Float32, 32),
        new("C64", null, 64),
        new("F64", torch.ScalarType.Float64, 64),
        new("I64", torch.ScalarType.Int64, 64),
        new("U64", null, 64),
    ];

    public static ElementType? Named(string? name) => All.FirstOrDefault(type => type.Name == name);

    public static ElementType? Of(torch.ScalarType type) => All.FirstOrDefault(known => known.Type == type);
}
