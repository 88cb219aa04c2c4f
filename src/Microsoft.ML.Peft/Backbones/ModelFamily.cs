using Microsoft.ML.Peft.Checkpoints;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Backbones;

/// <summary>Models whose files have the same form.</summary>
internal abstract record ModelFamily
{
    /// <summary>The values of `model_type` that belong to the family.</summary>
    public required string[] ModelTypes { get; init; }

    /// <summary>What stands before every tensor name in files of models with a head, and is absent in bare ones.</summary>
    public required string Prefix { get; init; }

    /// <summary>The head that Hugging Face's sequence classification puts on it.</summary>
    public abstract HeadLayout Head { get; init; }

    /// <summary>The shape that a `config.json` states, and how to load such a model's weights.</summary>
    public abstract ModelPlan Plan(ConfigFile config);
}

/// <summary>A model that is known but not loaded.</summary>
internal sealed record ModelPlan(ModelConfiguration Configuration, Func<WeightSource, ScalarType, Device, Backbone> Load);
