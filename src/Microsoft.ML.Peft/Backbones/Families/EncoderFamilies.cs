namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>The encoders we know.</summary>
internal static class EncoderFamilies
{
    public static IReadOnlyList<EncoderFamily> All { get; } = [Bert.Family, Roberta.Family, DistilBert.Family, Electra.Family];

    public static EncoderFamily Of(ConfigFile config)
    {
        string type = config.Text("model_type");
        return All.FirstOrDefault(family => family.ModelTypes.Contains(type)) ?? throw new NotSupportedException(
            $"'{config.Path}' describes a '{type}' model; supported are {string.Join(", ", All.SelectMany(family => family.ModelTypes))}.");
    }
}
