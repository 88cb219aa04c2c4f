using Microsoft.ML.Peft.AutoML.Spaces;
using Microsoft.ML.Peft.AutoML.Tuners;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.SearchSpace.Option;
using Space = Microsoft.ML.SearchSpace.SearchSpace;

namespace Microsoft.ML.Peft.AutoML.Bridge;

/// <summary>
/// A trial as a parameter: the method's name, and under that name its options. The own tuner adds which trial goes on to which rung; without, it is a new
/// one that is trained to the end.
/// </summary>
internal static class TrialParameters
{
    /// <summary>Where the parameter lies among those of an experiment.</summary>
    public const string Key = "_peft_";

    private const string Method = "_method_";
    private const string Trial = "_trial_";
    private const string Rung = "_rung_";

    public static Space ToSearchSpace(IReadOnlyList<MethodSpace> methods)
    {
        var space = new Space();
        space.Add(Method, new ChoiceOption([.. methods.Select(method => method.Method)], methods[0].Method));
        foreach (var method in methods)
            space.Add(method.Method, OptionParameters.ToSearchSpace(method));
        return space;
    }

    public static Parameter ToParameter(Trial trial)
    {
        var inner = Parameter.CreateNestedParameter();
        inner[Method] = Parameter.FromString(trial.Configuration.Space.Method);
        inner[trial.Configuration.Space.Method] = OptionParameters.ToParameter(trial.Configuration);
        inner[Trial] = Parameter.FromInt(trial.Id);
        inner[Rung] = Parameter.FromInt(trial.Rung);
        var parameter = Parameter.CreateNestedParameter();
        parameter[Key] = inner;
        return parameter;
    }

    /// <summary>The trial's number, where the parameter has one, its configuration, and the rung that it runs to, where one is given.</summary>
    public static (int? Trial, Configuration Configuration, int? Rung) Read(IReadOnlyList<MethodSpace> methods, Parameter parameter)
    {
        var inner = parameter[Key];
        string name = inner[Method].AsType<string>();
        var method = methods.FirstOrDefault(method => method.Method == name)
            ?? throw new ArgumentException($"The parameter names the method '{name}'; there are {string.Join(", ", methods.Select(method => method.Method))}.");
        return (Number(inner, Trial), OptionParameters.ToConfiguration(method, inner[name]), Number(inner, Rung));
    }

    private static int? Number(Parameter parameter, string name) => parameter.TryGetValue(name, out var value) ? value.AsType<int>() : null;
}
