namespace Microsoft.ML.Peft.Backbones.Families;

/// <summary>The families we know.</summary>
internal static class ModelFamilies
{
    public static IReadOnlyList<ModelFamily> All { get; } =
    [
        Bert.Family, Roberta.Family, DistilBert.Family, Electra.Family,
        Llama.Family, Phi3.Family, Gemma.Family, Gpt2.Family, GptNeoX.Family, Opt.Family,
        T5.Family,
    ];

    public static ModelFamily Of(ConfigFile config)
    {
        string type = config.Text("model_type");
        if (config.ObjectOrNull("quantization_config") is { } quantisation)
        {
            throw new NotSupportedException(
                $"'{config.Path}' describes weights quantised by '{quantisation.TextOrNull("quant_method") ?? "an unknown method"}' (quantization_config), which cannot be read; " +
                "use the model in 16 or 32 bits, or as a .gguf file.");
        }
        return All.FirstOrDefault(family => family.ModelTypes.Contains(type)) ?? throw new NotSupportedException(
            $"'{config.Path}' describes a '{type}' model; supported are {string.Join(", ", All.SelectMany(family => family.ModelTypes))}.");
    }
}
