using Microsoft.ML.Peft.Inference;
using Microsoft.ML.Peft.Methods;
using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests;

public sealed class HeadTaskTests : IDisposable
{
    private readonly PretrainedModel _backbone = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
    private readonly Initializer _initializer = new(1, CPU);

    [Theory]
    [InlineData("prompt tuning")]
    [InlineData("prefix tuning")]
    public void Rows_of_any_lengths_together_give_the_mean_of_each_alone(string method)
    {
        using var task = Task(method);
        int[] rows = [.. Enumerable.Range(0, task.RowLengths.Count).OrderBy(row => task.RowLengths[row])];
        var alone = rows.Select(row => Backward(task, [row])).ToList();
        var wrong = new List<string>();
        for (int count = 2; count <= 8; count++)
        {
            for (int start = 0; start + count <= rows.Length; start++)
            {
                var together = Backward(task, rows[start..(start + count)]);
                double loss = alone.Skip(start).Take(count).Average(one => one.Loss);
                double largest = together.Gradient.Max(Math.Abs), difference = together.Gradient.Select((value, i) => Math.Abs(value - alone.Skip(start).Take(count).Average(one => one.Gradient[i]))).Max();
                if (Math.Abs(loss - together.Loss) > 1e-5 || difference > 1e-4 * largest)
                    wrong.Add($"lengths {string.Join(",", rows[start..(start + count)].Select(row => task.RowLengths[row]))}: loss {together.Loss - loss:e1}, gradient {difference / largest:e1}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join("; ", wrong.Take(30)));
    }

    public void Dispose()
    {
        _backbone.Dispose();
        _initializer.Dispose();
    }

    private HeadTask Task(string method)
    {
        var settings = TinyTraining.Settings with { ValidationFraction = 0 };
        var (rows, _) = SoftPromptTrainer.Tokenize(
            _backbone, TinyMethods.Of(method), PredictionTask.Multiclass, TinyTraining.Classes(50), null, settings, new TinyTraining().Observer, new Random(1));
        var trainee = SoftPromptTrainer.CreateTrainee(_backbone, TinyMethods.Of(method), Pooling.Mean, 2, rows, settings, _initializer);
        using (no_grad())
            trainee.Head.OutputWeight.normal_(0, 0.5, _initializer.Generator);
        return new HeadTask(trainee, PredictionTask.Multiclass, rows, null, 0.01, settings);
    }

    private static (double Loss, float[] Gradient) Backward(TrainingTask task, int[] rows)
    {
        using var scope = NewDisposeScope();
        var loss = task.Loss(rows, task.Prompt(null));
        loss.backward();
        float[] gradient = [.. task.Parameters.SelectMany(parameter => parameter.grad!.contiguous().data<float>().ToArray())];
        foreach (var parameter in task.Parameters)
            parameter.grad!.zero_();
        return (loss.item<float>(), gradient);
    }
}
