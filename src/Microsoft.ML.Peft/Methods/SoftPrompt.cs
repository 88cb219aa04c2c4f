using Microsoft.ML.Peft.Backbones;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>A soft prompt in training: its parameters, and the prompt that they stand for.</summary>
internal abstract class SoftPrompt : IDisposable
{
    private readonly SortedDictionary<string, Parameter> _parameters = new(StringComparer.Ordinal);

    /// <summary>What is trained, under the names that Hugging Face PEFT gives it.</summary>
    public IReadOnlyDictionary<string, Parameter> Parameters => _parameters;

    /// <summary>Draws what is random in <see cref="Compute"/> while training; null if nothing is.</summary>
    public virtual Generator? Generator => null;

    /// <summary>The prompt in the layout of Hugging Face's files, `[P, …]`, as a function of the parameters.</summary>
    public abstract Tensor Compute();

    /// <summary>The prompt as a backbone takes it, as a function of the parameters. Independent of any text: once per step.</summary>
    public abstract Prompt Forward();

    public virtual void Dispose()
    {
        foreach (var parameter in _parameters.Values)
            parameter.Dispose();
    }

    /// <summary>Makes a parameter of <paramref name="initial"/>'s values.</summary>
    protected Parameter Add(string name, Tensor initial)
    {
        var parameter = Trainable.Create(initial);
        _parameters.Add(name, parameter);
        return parameter;
    }

    /// <summary>Keeps a tensor that is used but not trained.</summary>
    protected static Tensor? Constant(Tensor? value) => value?.detach().clone().DetachFromDisposeScope();
}

internal static class Trainable
{
    /// <summary>A parameter with its own copy of the values, outside every dispose scope.</summary>
    public static Parameter Create(Tensor initial)
    {
        using var values = initial.detach().to(ScalarType.Float32, copy: true);
        var parameter = new Parameter(values, requires_grad: true);
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
