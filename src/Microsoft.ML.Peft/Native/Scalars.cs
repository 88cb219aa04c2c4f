using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Native;

/// <summary>
/// Arithmetic of tensors and numbers. TorchSharp makes a native scalar of every number that meets a tensor, of the hidden factor 1
/// in a sum too, and does not keep it alive during the native call: the garbage collector may free it first. Here it is held.
/// </summary>
internal static class Scalars
{
    private static readonly Scalar One = 1;

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x + y for a number y.</summary>
    public static Tensor Plus(this Tensor x, double y)
    {
        using Scalar scalar = y;
        return x.add(scalar, One);
    }

    /// <summary>x + y for a whole number y.</summary>
    public static Tensor Plus(this Tensor x, long y)
    {
        using Scalar scalar = y;
        return x.add(scalar, One);
    }

    /// <summary>x · y for a number y.</summary>
    public static Tensor Times(this Tensor x, double y)
    {
        using Scalar scalar = y;
        return x.mul(scalar);
    }
}
