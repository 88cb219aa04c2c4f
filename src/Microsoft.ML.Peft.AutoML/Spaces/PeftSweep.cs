using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>
/// A soft-prompt method with the ranges of its options that a search explores. The factories give ranges that are known to work;
/// <see cref="PeftSweep{TOptions}"/> changes them.
/// </summary>
/// <example>
/// <code>
/// experiment.AddMethod(PeftSweep.PrefixTuning().WithRange(o => o.LearningRate, 1e-3, 3e-2, log: true).WithValue(o => o.BatchSize, 16));
/// </code>
/// </example>
public abstract class PeftSweep
{
    private protected PeftSweep(string method) => Method = method;

    /// <summary>The method's name, unique within an experiment.</summary>
    public string Method { get; }

    internal abstract MethodSpace Space { get; }

    /// <summary>All five methods with their usual ranges: what an experiment searches when no method is added.</summary>
    public static IReadOnlyList<PeftSweep> All => [PrefixTuning(), PromptTuning(), ProjectedPrefixTuning(), PTuningMlp(), PTuningLstm()];

    /// <summary>Prompt tuning: 5 to 100 virtual tokens, learning rates from 1e-3 to 1e-1, in generation to 0.3.</summary>
    /// <param name="options">The values of what is not searched, and the first trial's of what is. Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or belongs to the experiment.</exception>
    public static PeftSweep<PromptTuningOptions> PromptTuning(PromptTuningOptions? options = null)
        => Common(new PeftSweep<PromptTuningOptions>("prompt tuning", options))
            .WithRange(o => o.VirtualTokens, 5, 100, log: true)
            .WithUsualRange(o => o.LearningRate, 1e-3, 1e-1)
            .WithChoice(o => o.Initialization, PromptInitialization.Text, PromptInitialization.LabelWords, PromptInitialization.SampledVocabulary);

    /// <summary>Prefix tuning with keys and values trained directly: 4 to 128 virtual tokens, learning rates from 1e-3 to 3e-2.</summary>
    /// <inheritdoc cref="PromptTuning"/>
    public static PeftSweep<PrefixTuningOptions> PrefixTuning(PrefixTuningOptions? options = null)
        => Common(new PeftSweep<PrefixTuningOptions>("prefix tuning", options))
            .WithValue(o => o.Projection, false)
            .WithRange(o => o.VirtualTokens, 4, 128, log: true)
            .WithUsualRange(o => o.LearningRate, 1e-3, 3e-2)
            .WithChoice(o => o.Initialization, PrefixInitialization.Text, PrefixInitialization.Zeros);

    /// <summary>Prefix tuning through an MLP: 5 to 200 virtual tokens, learning rates from 5e-5 to 2e-3: above, trainings end at chance.</summary>
    /// <inheritdoc cref="PromptTuning"/>
    public static PeftSweep<PrefixTuningOptions> ProjectedPrefixTuning(PrefixTuningOptions? options = null)
        => Common(new PeftSweep<PrefixTuningOptions>("projected prefix tuning", options).WithValue(o => o.Projection, true))
            .WithRange(o => o.VirtualTokens, 5, 200, log: true)
            .WithUsualRange(o => o.LearningRate, 5e-5, 2e-3)
            .WithChoice(o => o.ProjectionHiddenSize, null, 128, 512, 800)
            .WithChoice(o => o.Initialization, PrefixInitialization.Text, PrefixInitialization.Zeros);

    /// <summary>P-tuning through an MLP: 5 to 50 virtual tokens, learning rates from 1e-4 to 1e-2.</summary>
    /// <inheritdoc cref="PromptTuning"/>
    public static PeftSweep<PTuningOptions> PTuningMlp(PTuningOptions? options = null) => PTuning("P-tuning (MLP)", PromptEncoder.Mlp, options);

    /// <summary>P-tuning through an LSTM: 5 to 50 virtual tokens, learning rates from 1e-4 to 1e-2.</summary>
    /// <inheritdoc cref="PromptTuning"/>
    public static PeftSweep<PTuningOptions> PTuningLstm(PTuningOptions? options = null) => PTuning("P-tuning (LSTM)", PromptEncoder.Lstm, options);

    /// <summary>The options of one trial, without what belongs to the experiment (columns, data, epochs, seed).</summary>
    internal abstract SoftPromptOptions CreateOptions(Configuration configuration);

    /// <summary>The estimator that trains with some options.</summary>
    internal static IEstimator<ITransformer> CreateEstimator(MLContext mlContext, SoftPromptOptions options) => options switch
    {
        PromptTuningOptions prompt => mlContext.Transforms.PromptTuning(prompt),
        PrefixTuningOptions prefix => mlContext.Transforms.PrefixTuning(prefix),
        PTuningOptions pTuning => mlContext.Transforms.PTuning(pTuning),
        _ => throw new NotSupportedException($"There is no estimator for {options.GetType().Name}."),
    };

    /// <summary>The same sweep with fewer choices of an option; unchanged where it has no such choice.</summary>
    internal abstract PeftSweep Without(string option, object value);

    /// <summary>The same sweep for generation: without what concerns a head only, from the learning rate that methods learn writing well with.</summary>
    internal abstract PeftSweep ForGeneration();

    /// <summary>The same sweep with the frozen model as a choice.</summary>
    internal abstract PeftSweep WithModels(IReadOnlyList<string> models);

    private static PeftSweep<PTuningOptions> PTuning(string method, PromptEncoder encoder, PTuningOptions? options)
        => Common(new PeftSweep<PTuningOptions>(method, options))
            .WithValue(o => o.Encoder, encoder)
            .WithRange(o => o.VirtualTokens, 5, 50, log: true)
            .WithUsualRange(o => o.LearningRate, 1e-4, 1e-2)
            .WithChoice(o => o.EncoderHiddenSize, null, 128, 256);

    // Steps of another size are another amount of training in an epoch, which epochs as the search's resource could not compare.
    private static PeftSweep<TOptions> Common<TOptions>(PeftSweep<TOptions> sweep) where TOptions : SoftPromptOptions, new()
        => sweep
            .WithRange(o => o.HeadLearningRate, 1e-3, 3e-2, log: true)
            .WithRange(o => o.WarmUpFraction, 0, 0.1)
            .WithChoice(o => o.WeightDecay, 0, 1e-5, 1e-2)
            .WithValue(o => o.BatchSize, sweep.BatchSize);
}
