using Microsoft.Extensions.AI;
using Microsoft.ML.Peft.Cli.Output;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>A model that writes: a frozen one, or one with a soft prompt.</summary>
internal sealed class Writer : IDisposable
{
    private readonly PretrainedModel? _frozen;
    private readonly TrainedModel? _trained;

    private Writer(PretrainedModel? frozen, TrainedModel? trained) => (_frozen, _trained) = (frozen, trained);

    /// <summary>How the soft prompt was trained to write; null where that is not known.</summary>
    public GenerationOptions? Trained => _trained?.SoftPrompt.Model.Description.Generation;

    public static Writer Load(string model, string? baseModel, Terminal terminal, CancellationToken cancellation)
    {
        bool isTrained = ModelKind.Of(model) is ModelKind.Pipeline or ModelKind.Adapter;
        if (!isTrained)
            return baseModel is null ? new Writer(Downloads.Load(terminal, model, cancellation), null) : throw new ArgumentException($"'{model}' is a frozen model itself; --model is for adapter directories.");
        var trained = TrainedModel.Load(new MLContext(1), model, baseModel);
        if (trained.SoftPrompt.Task == PredictionTask.Generation)
            return new Writer(null, trained);
        trained.Dispose();
        throw new InvalidOperationException($"'{model}' does not write, it predicts ({trained.SoftPrompt.Task}); use 'peftml predict {model}'.");
    }

    /// <summary>A text in the template that the soft prompt was trained with; without one, the text itself.</summary>
    public string Prompt(string text) => _trained?.SoftPrompt.Model.PromptTemplate is not { } template ? text
        : template.Contains("{second}", StringComparison.Ordinal)
            ? throw new InvalidOperationException($"'{_trained.Path}' writes on pairs of texts; use 'peftml predict {_trained.Path} pairs.csv', or --raw with the whole prompt.")
            : template.Replace("{text}", text, StringComparison.Ordinal);

    public IAsyncEnumerable<string> Write(string prompt, GenerationOptions options, CancellationToken cancellation) =>
        _trained?.SoftPrompt.Model.GenerateStreamAsync(prompt, options, cancellation) ?? _frozen!.GenerateStreamAsync(prompt, options, cancellation);

    public IChatClient Chat() => _trained?.SoftPrompt.Model.AsChatClient() ?? _frozen!.AsChatClient();

    public void Dispose()
    {
        _trained?.Dispose();
        _frozen?.Dispose();
    }
}
