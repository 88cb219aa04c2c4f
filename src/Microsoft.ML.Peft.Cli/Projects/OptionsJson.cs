using System.Text.Json.Serialization.Metadata;
using Microsoft.ML.Peft.AutoML.Trials;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>Options of a method as JSON: the method's name, and what differs from its defaults.</summary>
internal static class OptionsJson
{
    private static readonly Type[] Methods = [typeof(PromptTuningOptions), typeof(PrefixTuningOptions), typeof(PTuningOptions)];

    /// <summary>A modifier of how types are written.</summary>
    public static void Shape(JsonTypeInfo type)
    {
        if (type.Type == typeof(SoftPromptOptions))
        {
            type.PolymorphismOptions = new JsonPolymorphismOptions { TypeDiscriminatorPropertyName = "Method" };
            foreach (var method in Methods)
                type.PolymorphismOptions.DerivedTypes.Add(new JsonDerivedType(method, MethodName(method)));
        }
        else if (Methods.Contains(type.Type) || type.Type == typeof(GenerationOptions))
        {
            ShowDifferences(type);
        }
    }

    /// <summary>What the catalog's method for some options is called.</summary>
    public static string MethodName(Type options) => options.Name[..^"Options".Length];

    private static void ShowDifferences(JsonTypeInfo type)
    {
        object usual = Activator.CreateInstance(type.Type)!;
        foreach (var property in type.Properties.ToList())
        {
            if (CSharpCode.Unwritable.Contains(property.PropertyType))
            {
                type.Properties.Remove(property);
                continue;
            }
            object? value = property.Get!(usual);
            property.ShouldSerialize = (_, own) => !Equals(own, value);
        }
    }
}
