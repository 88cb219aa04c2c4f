namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>What a path or name stands for.</summary>
internal enum ModelKind
{
    /// <summary>A pipeline that ML.NET has saved.</summary>
    Pipeline,

    /// <summary>An adapter directory of Hugging Face PEFT.</summary>
    Adapter,

    /// <summary>A frozen model: a directory, a GGUF file, or a name.</summary>
    Frozen,
}

internal static class ModelKindExtensions
{
    extension(ModelKind)
    {
        public static ModelKind Of(string model)
        {
            if (File.Exists(Path.Combine(model, "adapter_config.json")))
                return ModelKind.Adapter;
            return File.Exists(model) && !model.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? ModelKind.Pipeline : ModelKind.Frozen;
        }
    }
}
