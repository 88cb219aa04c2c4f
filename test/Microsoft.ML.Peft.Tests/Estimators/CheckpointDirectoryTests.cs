using Microsoft.ML.Peft.Tests.Support;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.Tests.Estimators;

/// <summary>Trainings that are interrupted, and fitted again with the same options.</summary>
public sealed class CheckpointDirectoryTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Checkpoint => _directory.File("checkpoint");

    private string CheckpointFile => Path.Combine(Checkpoint, TrainingCheckpoint.FileName);

    [Theory]
    [InlineData(7)]
    [InlineData(null)]  // drawn from a context that has no seed of its own
    public void A_later_fit_goes_on_where_one_was_cancelled_and_gives_the_same_bits(int? seed)
    {
        Assert.Throws<OperationCanceledException>(() => Fit(seed, cancelAfter: "Epoch 2/4"));
        Assert.Equal([CheckpointFile], Directory.GetFiles(Checkpoint));
        int drawn = Seed();

        var lines = new List<string>();
        using var resumed = Fit(seed, lines: lines);
        Assert.Contains($"Training goes on after epoch 2 of 4, from '{Checkpoint}'.", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("Epoch 2/4: loss", StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles(Checkpoint));

        using var whole = Fit(seed ?? drawn, checkpoint: false);
        var files = resumed.Model.ToFiles();
        Assert.All(whole.Model.ToFiles(), file => Assert.Equal(file.Value, files[file.Key]));
        Assert.Equal(4, resumed.TrainingHistory.Epochs.Count);
        Assert.Equal(whole.TrainingHistory.Epochs.Select(epoch => epoch.TrainingLoss), resumed.TrainingHistory.Epochs.Select(epoch => epoch.TrainingLoss));
    }

    [Fact]
    public void What_a_killed_process_left_of_a_checkpoint_goes_with_it()
    {
        Directory.CreateDirectory(Checkpoint);
        File.WriteAllText(CheckpointFile + ".abc.partial", "half");
        File.WriteAllText(Path.Combine(Checkpoint, "notes.txt"), "the user's own");
        Fit(1).Dispose();
        Assert.Equal([Path.Combine(Checkpoint, "notes.txt")], Directory.GetFiles(Checkpoint));
    }

    [Fact]
    public void A_fit_with_other_options_or_rows_is_refused_and_leaves_the_checkpoint()
    {
        Assert.Throws<OperationCanceledException>(() => Fit(1, cancelAfter: "Epoch 1/4"));
        byte[] before = File.ReadAllBytes(CheckpointFile);
        string seed = Assert.Throws<ArgumentException>(() => Fit(2)).Message;
        Assert.StartsWith($"The checkpoint '{CheckpointFile}' is of another training: Seed is 1 there and 2 here", seed, StringComparison.Ordinal);
        Assert.EndsWith("Train with the options, rows and model that it was made with, name another CheckpointDirectory, or delete the file.", seed, StringComparison.Ordinal);
        string rows = Assert.Throws<ArgumentException>(() => Fit(1, rows: 30)).Message;
        Assert.Contains("Training set is 42 rows, SHA-256 ", rows, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(CheckpointFile));
    }

    [Fact]
    public void A_directory_that_cannot_be_written_is_refused_before_the_first_step()
    {
        File.WriteAllText(Checkpoint, "a file, no directory");
        var lines = new List<string>();
        Assert.ThrowsAny<IOException>(() => Fit(1, lines: lines));
        Assert.DoesNotContain(lines, line => line.StartsWith("Epoch ", StringComparison.Ordinal));
    }

    public void Dispose() => _directory.Dispose();

    private int Seed()
    {
        using var checkpoint = TrainingCheckpoint.Open(Checkpoint);
        return int.Parse(checkpoint.Identity["Seed"]!, System.Globalization.CultureInfo.InvariantCulture);
    }

    private SoftPromptTransformer Fit(int? seed, string? cancelAfter = null, List<string>? lines = null, bool checkpoint = true, int rows = 48)
    {
        using var cancellation = new CancellationTokenSource();
        var context = new MLContext();
        context.Log += (_, log) =>
        {
            lines?.Add(log.RawMessage);
            if (cancelAfter is not null && log.RawMessage.StartsWith(cancelAfter + ": loss", StringComparison.Ordinal))
                cancellation.Cancel();
        };
        var options = new PTuningOptions
        {
            Model = Tickets.TinyModel,
            Precision = Precision.Float32,
            VirtualTokens = 4,
            MaxEpochs = 4,
            Encoder = PromptEncoder.Lstm,
            EncoderDropout = 0.2,
            Seed = seed,
            CancellationToken = cancellation.Token,
            CheckpointDirectory = checkpoint ? Checkpoint : null,
        };
        return context.Transforms.PTuning(options).Fit(Tickets.Keyed(context, rows));
    }
}
