using System.Reflection;
using Microsoft.ML.AutoML;

namespace Microsoft.ML.Peft.AutoML.Tests.Bridge;

/// <summary>The stand-ins that the bridge is compiled with here are, in names and signatures, the package that it is compiled with by its users.</summary>
public sealed class ContractTests
{
    private static readonly Dictionary<string, (string Base, List<string> Members)> Contract = Read();

    public static TheoryData<string> Names => [.. Contract.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_stand_in_has_the_members_that_the_package_has(string name)
    {
        var type = typeof(SweepableEstimator).Assembly.GetType(name)!;
        Assert.Equal(Contract[name].Base, type.BaseType?.Name ?? "");
        Assert.Equal(Contract[name].Members.Order(StringComparer.Ordinal), Members(type).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void There_are_no_other_stand_ins()
    {
        var standIns = typeof(SweepableEstimator).Assembly.GetTypes().Where(type => type.IsVisible && type.Namespace is "Microsoft.ML.AutoML" or "Microsoft.ML.SearchSpace" or "Microsoft.ML.SearchSpace.Option");
        Assert.Equal(Contract.Keys.Order(StringComparer.Ordinal), standIns.Where(type => type.IsVisible).Select(type => type.FullName!).Order(StringComparer.Ordinal));
    }

    private static Dictionary<string, (string Base, List<string> Members)> Read()
    {
        var contract = new Dictionary<string, (string Base, List<string> Members)>();
        foreach (string line in File.ReadLines(Path.Combine(Fixtures.Default, "../../Microsoft.ML.Peft.AutoML.Tests/Bridge/automl-contract.txt")).Skip(1))
        {
            if (line.StartsWith(' '))
                contract.Last().Value.Members.Add(line.Trim());
            else if (line.Split(" : ") is [var name, var bases])
                contract.Add(name, (bases.Split(' ')[0], []));
        }
        return contract;
    }

    private static IEnumerable<string> Members(Type type)
    {
        const BindingFlags declared = BindingFlags.DeclaredOnly | BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static;
        foreach (var method in type.GetMethods(declared).Where(method => !method.IsSpecialName && method.GetBaseDefinition().DeclaringType != typeof(object)))
        {
            string generic = method.IsGenericMethod ? $"<{string.Join(",", method.GetGenericArguments().Select(Name))}>" : "";
            yield return $"{(method.IsStatic ? "static " : "")}{Name(method.ReturnType)} {method.Name}{generic}({Parameters(method)})";
        }
        // Static classes and those that only factories make have no public constructor.
        foreach (var constructor in type.GetConstructors(declared))
            yield return $"ctor({Parameters(constructor)})";
        foreach (var property in type.GetProperties(declared))
            yield return $"{Name(property.PropertyType)} {property.Name} {{{(property.GetMethod is { IsPublic: true } ? "get;" : "")}{(property.SetMethod is { IsPublic: true } ? "set;" : "")}}}";
        foreach (var field in type.GetFields(declared))
            yield return $"{Name(field.FieldType)} {field.Name}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{(parameter.IsOut ? "out " : "")}{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? "=" + (parameter.DefaultValue ?? "null") : "")}"));

    private static string Name(Type type) =>
        type.IsByRef ? Name(type.GetElementType()!) :
        type.IsArray ? Name(type.GetElementType()!) + "[]" :
        type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(",", type.GetGenericArguments().Select(Name))}>" :
        type.Name;
}
