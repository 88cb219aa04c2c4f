using Microsoft.ML.Peft.Backbones;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Methods;

/// <summary>A soft prompt in training: its parameters, and the prompt that they stand for.</summary>
internal abstract class SoftPrompt : IDisposable
{
    private const string StartName = "start";

    private readonly SortedDictionary<string, Parameter> _parameters = new(StringComparer.Ordinal);

    /// <summary>What is trained, under the names that Hugging Face PEFT gives it.</summary>
    public IReadOnlyDictionary<string, Parameter> Parameters => _parameters;

    /// <summary>All that the prompt is a function of: the parameters, and as `start` what a network's output is added to.</summary>
    public IEnumerable<KeyValuePair<string, Tensor>> State =>
        Parameters.Select(parameter => KeyValuePair.Create(parameter.Key, (Tensor)parameter.Value)).Concat(Start is null ? [] : [KeyValuePair.Create(StartName, Start)]);

    /// <summary>Draws what is random in <see cref="Compute"/> while training; null if nothing is.</summary>
    public virtual Generator? Generator => null;

    /// <summary>The prompt in the layout of Hugging Face's files, `[P, …]`, as a function of the parameters.</summary>
    public abstract Tensor Compute();

    /// <summary>The prompt as a backbone takes it, as a function of the parameters. Independent of any text: once per step.</summary>
    public abstract Prompt Forward();

    /// <summary>Takes over the state of another soft prompt of the same method.</summary>
    /// <param name="state">Its <see cref="State"/>.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="InvalidDataException">It is of another shape.</exception>
    public void Restore(IReadOnlyDictionary<string, Tensor> state, string source)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Check(state, source);
        foreach (var (name, parameter) in Parameters)
            parameter.copy_(state[name]);
        Start?.Dispose();
        Start = Constant(state.GetValueOrDefault(StartName)?.to(_parameters.Values.First().device));
    }

    public void Dispose()
    {
        Start?.Dispose();
        foreach (var parameter in _parameters.Values)
            parameter.Dispose();
    }

    /// <summary>What a network's output is added to `[P, …]`, not trained; null for nothing.</summary>
    protected Tensor? Start { get; set; }

    /// <summary>Makes a parameter of <paramref name="initial"/>'s values.</summary>
    protected Parameter Add(string name, Tensor initial)
    {
        var parameter = Trainable.Create(initial);
        _parameters.Add(name, parameter);
        return parameter;
    }

    /// <summary>Keeps a tensor that is used but not trained.</summary>
    protected static Tensor? Constant(Tensor? value) => value?.detach().clone().DetachFromDisposeScope();

    private void Check(IReadOnlyDictionary<string, Tensor> state, string source)
    {
        var shapes = Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.shape);
        if (state.ContainsKey(StartName))
            shapes.Add(StartName, Compute().shape);
        foreach (string name in shapes.Keys.Union(state.Keys).Order(StringComparer.Ordinal))
        {
            long[]? wanted = shapes.GetValueOrDefault(name), given = state.GetValueOrDefault(name)?.shape;
            if (wanted is null || given is null || !wanted.AsSpan().SequenceEqual(given))
                throw new InvalidDataException($"'{source}' has '{name}' as {Shown(given)}, but the options ask for {Shown(wanted)}; use the options that it was trained with.");
        }
    }

    private static string Shown(long[]? shape) => shape is null ? "nothing" : $"[{string.Join(", ", shape)}]";
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
