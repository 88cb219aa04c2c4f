using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Training;

/// <summary>The values of parameters, apart from them.</summary>
internal static class ParameterValues
{
    /// <summary>Copies, outside any dispose scope.</summary>
    public static IReadOnlyList<Tensor> Copy(IEnumerable<Parameter> parameters) => [.. parameters.Select(parameter => parameter.detach().clone().DetachFromDisposeScope())];

    public static void Restore(IEnumerable<Parameter> parameters, IReadOnlyList<Tensor> values)
    {
        using var frozen = no_grad();
        foreach (var (parameter, value) in parameters.Zip(values))
            parameter.copy_(value);
    }

    public static bool AreFinite(IEnumerable<Parameter> parameters)
    {
        using var scope = NewDisposeScope();
        return parameters.All(parameter => parameter.isfinite().all().item<bool>());
    }

    public static void Free(IReadOnlyList<Tensor> values)
    {
        foreach (var value in values)
            value.Dispose();
    }
}
