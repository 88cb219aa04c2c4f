using Microsoft.ML.Peft.Backbones;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests;

/// <summary>Weights are held once, as long as somebody uses them.</summary>
[Collection(Alone.Name)]
public sealed class FrozenModelTests : IDisposable
{
    private static readonly string AdapterDirectory = Path.Combine(Fixtures.Default, "cases", "tiny-bert__prompt__SEQ_CLS", "adapter");

    private readonly ModelCopy _copy = new();
    private readonly int _before = FrozenModel.Count;

    private string Directory => _copy.Path;

    private int Held => FrozenModel.Count - _before;

    [Fact]
    public void Everybody_who_loads_a_model_uses_the_same_weights_and_the_last_one_frees_them()
    {
        var first = PretrainedModel.Load(Directory, Precision.Float32);
        var second = PretrainedModel.Load(Directory, Precision.Float32);
        var adapter = PeftModel.Load(second, AdapterDirectory);
        Assert.Equal(1, Held);
        Assert.Same(first.Frozen, second.Frozen);
        Assert.Same(first.Frozen, adapter.Backbone.Frozen);
        Assert.Equal(first.Frozen.Backbone.WordEmbeddings.Handle, second.Frozen.Backbone.WordEmbeddings.Handle);
        var weights = first.Frozen.Backbone.WordEmbeddings;

        first.Dispose();
        first.Dispose();
        second.Dispose();
        Assert.Equal(1, Held);
        Assert.Equal(3, adapter.Classify(["the whale"])[0].Length);

        adapter.Dispose();
        adapter.Dispose();
        Assert.Equal(0, Held);
        Assert.True(weights.IsInvalid);
    }

    [Fact]
    public void Another_number_format_is_another_copy()
    {
        using PretrainedModel full = PretrainedModel.Load(Directory, Precision.Float32), half = PretrainedModel.Load(Directory, Precision.BFloat16);
        Assert.Equal(2, Held);
    }

    [Fact]
    public void The_same_directory_written_in_another_way_is_the_same_model()
    {
        string name = Path.GetFileName(Directory);
        using var model = PretrainedModel.Load(Directory, Precision.Float32);
        using var slash = PretrainedModel.Load(Directory + Path.DirectorySeparatorChar, Precision.Float32);
        using var detour = PretrainedModel.Load(Path.Combine(Directory, "..", name), Precision.Float32);
        using var relative = PretrainedModel.Load(Path.GetRelativePath(Environment.CurrentDirectory, Directory), Precision.Float32);
        Assert.Equal(1, Held);
    }

    [Fact]
    public void Many_threads_that_load_and_dispose_share_one_model()
    {
        var loaded = new PretrainedModel[16];
        Parallel.For(0, loaded.Length, new ParallelOptions { MaxDegreeOfParallelism = loaded.Length }, i =>
        {
            PretrainedModel.Load(Directory, Precision.Float32).Dispose();
            loaded[i] = PretrainedModel.Load(Directory, Precision.Float32);
        });
        Assert.Equal(1, Held);
        Assert.Single(loaded.Select(model => model.Frozen).Distinct());
        Parallel.ForEach(loaded, model => model.Dispose());
        Assert.Equal(0, Held);
    }

    [Fact]
    public void A_model_that_failed_to_load_is_not_held_and_loads_once_it_is_repaired()
    {
        using var copy = new ModelCopy().Configure("num_hidden_layers", "4");
        Assert.Throws<InvalidDataException>(() => copy.Load());
        Assert.Equal(0, Held);
        copy.Configure("num_hidden_layers", "3");
        using var model = copy.Load();
        Assert.Equal(1, Held);
    }

    [Fact]
    public void A_failed_adapter_does_not_keep_the_model()
    {
        using (var model = PretrainedModel.Load(Directory, Precision.Float32))
            Assert.Throws<DirectoryNotFoundException>(() => PeftModel.Load(model, Path.Combine(Directory, "absent")));
        Assert.Equal(0, Held);
    }

    public void Dispose() => _copy.Dispose();
}
