using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Layers that are computed again give the loss and the gradients of layers that are kept.</summary>
public sealed class GradientCheckpointsTests : IDisposable
{
    // Without gradients few values are computed in loops of their own, which round otherwise.
    private const double Tolerance = 1e-5;

    /// <summary>The dropout of a soft prompt's network draws from it as long as it lives.</summary>
    private readonly Initializer _initializer = new(1, CPU);

    public static TheoryData<string, string> EveryModelAndMethod
    {
        get
        {
            var data = new TheoryData<string, string>();
            string[] models = ["tiny-bert", "tiny-distilbert", "tiny-llama", "tiny-gpt2", "tiny-gemma2", "tiny-qwen3", "tiny-gptneox", "tiny-t5", "tiny-t5-v11"];
            foreach (string model in models)
            {
                foreach (string method in TinyMethods.Names)
                    data.Add(model, method);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(EveryModelAndMethod))]
    public void Loss_and_gradients_are_the_same(string model, string method)
    {
        using var backbone = PretrainedModel.Load(Fixtures.Model(model), Precision.Float32);
        using var task = Task(backbone, method);
        int[] rows = [.. Enumerable.Range(0, 6)];
        var (loss, gradients) = Backward(task, rows, null);
        var (again, others) = Backward(task, rows, new GradientCheckpoints());
        Assert.Equal(loss, again, Tolerance * Math.Abs(loss));
        Assert.Equal(gradients.Keys, others.Keys);
        Assert.Contains(gradients.Values, values => values.Any(value => value != 0));
        foreach (string name in gradients.Keys)
        {
            double largest = gradients[name].Max(Math.Abs);
            Assert.All(gradients[name].Zip(others[name]), pair => Assert.Equal(pair.First, pair.Second, Tolerance * largest));
        }
    }

    [Fact]
    public void A_segment_is_computed_once_without_gradients_and_once_for_them()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 1, 2 }, requires_grad: true);
        var computed = new List<bool>();
        var checkpoints = new GradientCheckpoints();
        var y = checkpoints.Run(() =>
        {
            computed.Add(is_grad_enabled());
            return x.mul(x);
        });
        checkpoints.Backward(y.sum());
        Assert.Equal([false, true], computed);
        Assert.Equal([2f, 4f], x.grad!.data<float>().ToArray());
    }

    [Fact]
    public void What_several_segments_read_passes_on_the_sum_of_their_gradients_once()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 1, 2 }, requires_grad: true);
        var checkpoints = new GradientCheckpoints();
        // Its graph can be walked only once: exp keeps what it computed.
        var shared = checkpoints.Share([x.exp()])[0];
        var sum = checkpoints.Run(() => shared.mul(shared)).sum().add(checkpoints.Run(() => shared.mul(shared)).sum());
        checkpoints.Backward(sum);
        foreach (var (value, gradient) in ((float[])[1, 2]).Zip(x.grad!.data<float>().ToArray()))
            Assert.Equal(4 * Math.Exp(2 * value), gradient, 1e-3);
    }

    public void Dispose() => _initializer.Dispose();

    private TrainingTask Task(PretrainedModel backbone, string method)
    {
        var settings = TinyTraining.Settings with { ValidationFraction = 0, Generation = new GenerationOptions { MaxNewTokens = 8 } };
        var observer = new TinyTraining().Observer;
        if (backbone.Frozen.Backbone is not LanguageModel)
        {
            var (rows, _) = SoftPromptTrainer.Tokenize(backbone, TinyMethods.Of(method), PredictionTask.Multiclass, TinyTraining.Classes(12), null, settings, observer, new Random(1));
            var trainee = SoftPromptTrainer.CreateTrainee(backbone, TinyMethods.Of(method), Pooling.Mean, 2, rows, settings, _initializer);
            using (no_grad())
                trainee.Head.OutputWeight.normal_(0, 0.1, new Generator(5));
            return new HeadTask(trainee, PredictionTask.Multiclass, rows, null, 0.01, settings);
        }
        var (texts, _) = GenerationTrainer.Tokenize(backbone, TinyMethods.Of(method), Stories.Targets(12), null, settings, observer, new Random(1));
        var source = new InitializationSource(
            backbone.Frozen.Backbone, text => backbone.Words.Encode(text).Ids, backbone.Words.SpecialIds, texts.Select(row => row.Prompt.Ids), null)
        {
            TrainingPairs = texts.Select(row => (row.Prompt.Ids, row.Target)),
        };
        return new GenerationTask(backbone, SoftPromptFactory.Create(TinyMethods.Of(method), source, _initializer), 4, texts, null, 0.01, settings.Generation);
    }

    private static (double Loss, SortedDictionary<string, float[]> Gradients) Backward(TrainingTask task, int[] rows, GradientCheckpoints? checkpoints)
    {
        using var scope = NewDisposeScope();
        var drawn = task.Generator?.get_state();
        var loss = task.Loss(rows, task.Prompt(checkpoints).With(checkpoints));
        if (checkpoints is null)
            loss.backward();
        else
            checkpoints.Backward(loss);
        // Dropout of the soft prompt's own network draws the same again.
        if (drawn is not null)
            task.Generator!.set_state(drawn);
        var gradients = new SortedDictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, parameter) in task.Groups.SelectMany(group => group.Parameters))
        {
            gradients.Add(name, parameter.grad!.contiguous().data<float>().ToArray());
            parameter.grad!.zero_();
        }
        return (loss.item<float>(), gradients);
    }
}
