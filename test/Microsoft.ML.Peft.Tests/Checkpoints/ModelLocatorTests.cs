using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

/// <summary>The environment variable belongs to the whole process.</summary>
[Collection(Alone.Name)]
public sealed class ModelLocatorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly string? _before = Environment.GetEnvironmentVariable(ModelLocator.FoldersVariable);

    [Fact]
    public void A_path_is_the_model_itself()
    {
        string model = Place("one", "tiny");
        Assert.Equal(model, ModelLocator.Resolve(model));
        Assert.Equal(model, ModelLocator.Resolve(model + Path.DirectorySeparatorChar));
        Assert.Equal(model, ModelLocator.Resolve(Path.Combine(model, "..", "tiny")));
    }

    [Fact]
    public void A_name_is_looked_for_in_the_named_folders_in_their_order()
    {
        string first = Place("one", "tiny"), second = Place("two", "tiny"), other = Place("two", "other");
        Name(Path.GetDirectoryName(first)!, Path.GetDirectoryName(second)!, _directory.File("absent"));
        Assert.Equal(first, ModelLocator.Resolve("tiny"));
        Assert.Equal(other, ModelLocator.Resolve("other"));
    }

    [Fact]
    public void Without_the_variable_the_embedded_model_is_found()
    {
        Environment.SetEnvironmentVariable(ModelLocator.FoldersVariable, null);
        Assert.True(File.Exists(Path.Combine(ModelLocator.Resolve(ModelLocator.DefaultEncoder), "model.safetensors")));
    }

    [Fact]
    public void Without_the_variable_the_embedded_language_model_is_found()
    {
        Environment.SetEnvironmentVariable(ModelLocator.FoldersVariable, null);
        string found = ModelLocator.Resolve(ModelLocator.DefaultDecoder);
        Assert.Equal("SmolLM2-135M-Instruct.Q4_1.gguf", Path.GetFileName(found));
        Assert.True(File.Exists(found));
        Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(found)!, "SmolLM2-135M-Instruct.LICENSE")));
        Assert.Equal(found, ModelLocator.Candidates(ModelLocator.DefaultDecoder).First());
    }

    [Theory]
    [InlineData("some-model", "some-model.gguf")]
    [InlineData("some-model", "some-model.Q4_K_M.gguf")]
    [InlineData("some-model", "some-model-IQ2_XXS.gguf")]
    [InlineData("some-model", "some-model-f16.gguf")]
    [InlineData("some-model.Q8_0", "some-model.Q8_0.gguf")]
    [InlineData("some-model.Q8_0.gguf", "some-model.Q8_0.gguf")]
    public void A_GGUF_file_is_found_without_its_ending_and_quantisation(string name, string file)
    {
        string path = _directory.Write(file, "");
        Name(_directory.Path);
        Assert.Equal(path, ModelLocator.Resolve(name));
        Assert.Equal(path, ModelLocator.Candidates(name).First());
    }

    [Theory]
    [InlineData("llama-3")]
    [InlineData("llama-3.1-8B.Q4_0")]
    [InlineData("*")]
    [InlineData("llama-3.1-8?")]
    public void A_part_of_a_files_name_or_a_pattern_is_no_name(string name)
    {
        _directory.Write("llama-3.1-8B.gguf", "");
        Name(_directory.Path);
        Assert.Throws<DirectoryNotFoundException>(() => ModelLocator.Resolve(name));
    }

    [Fact]
    public void A_name_that_stands_for_several_files_is_refused_and_all_of_them_are_candidates()
    {
        string one = _directory.Write("some-model.Q4_0.gguf", ""), other = _directory.Write("some-model.Q8_0.gguf", "");
        Name(_directory.Path);
        string message = Assert.Throws<ArgumentException>(() => ModelLocator.Resolve("some-model")).Message;
        Assert.Equal($"The name 'some-model' stands for '{one}', '{other}'; give the path of one of them.", message);
        Assert.Equal([one, other], ModelLocator.Candidates("some-model").Take(2));
    }

    [Fact]
    public void An_unknown_name_lists_the_places()
    {
        Name(_directory.File("one"), _directory.File("two"));
        string message = Assert.Throws<DirectoryNotFoundException>(() => PretrainedModel.Load("no-such-model")).Message;
        Assert.Contains("The model 'no-such-model' was not found", message, StringComparison.Ordinal);
        Assert.Contains($"'{_directory.File("one")}', '{_directory.File("two")}'", message, StringComparison.Ordinal);
        Assert.Contains($"'{Path.Combine(AppContext.BaseDirectory, "models")}'", message, StringComparison.Ordinal);
        Assert.Contains(ModelLocator.FoldersVariable, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../one/tiny")]
    [InlineData("..\\one\\tiny")]
    public void A_name_cannot_leave_the_folders(string name)
    {
        Place("one", "tiny");
        Name(Directory.CreateDirectory(_directory.File("two")).FullName);
        Assert.Throws<DirectoryNotFoundException>(() => ModelLocator.Resolve(name));
    }

    [Fact]
    public void A_file_that_is_no_GGUF_file_is_no_model()
    {
        string file = Path.Combine(Place("one", "tiny"), "model.safetensors");
        Assert.Contains("is a file, and no .gguf file; give the model's directory", Assert.Throws<NotSupportedException>(() => ModelLocator.Resolve(file)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Candidates_are_the_named_ones_and_then_all_others_each_once()
    {
        string likely = Place("one", "tiny"), other = Place("one", "another");
        Directory.CreateDirectory(_directory.File(Path.Combine("one", "empty")));
        Name(_directory.File("one"), _directory.File("one") + Path.DirectorySeparatorChar, _directory.File("absent"));
        Assert.Equal([likely, other], ModelLocator.Candidates("tiny").Take(2));
        Assert.Equal([other, likely], ModelLocator.Candidates("/some/where/else/another").Take(2));
        var all = ModelLocator.Candidates(likely).ToArray();
        Assert.Equal(all.Distinct(), all);
        Assert.DoesNotContain(_directory.File(Path.Combine("one", "empty")), all);
    }

    [Fact]
    public void A_saved_adapters_model_is_found_by_its_weights_under_another_name()
    {
        string moved = Place("one", "renamed"), decoy = Place("one", "a-damaged-one");
        File.WriteAllText(Path.Combine(decoy, "model.safetensors"), "damaged");
        Name(_directory.File("one"));
        string fingerprint = Fingerprint();
        using var model = PretrainedModel.Find("/no/longer/there/tiny-bert", fingerprint, Precision.Float32, null);
        Assert.Equal(moved, model.Directory);
        Assert.Equal(fingerprint, model.Fingerprint);
        Assert.Equal("/no/longer/there/tiny-bert", model.Name);
    }

    [Fact]
    public void Where_a_model_has_the_name_but_other_weights_the_right_one_is_taken()
    {
        string wrong = Path.Combine(Directory.CreateDirectory(_directory.File("one")).FullName, "tiny-bert");
        CopyModel("tiny-distilbert", wrong);
        string right = Place("one", "other-name");
        Name(_directory.File("one"));
        using var model = PretrainedModel.Find(wrong, Fingerprint(), Precision.Float32, null);
        Assert.Equal(right, model.Directory);
    }

    [Fact]
    public void A_model_that_is_nowhere_is_reported_with_what_to_put_where()
    {
        string other = Path.Combine(Directory.CreateDirectory(_directory.File("one")).FullName, "tiny-bert");
        CopyModel("tiny-distilbert", other);
        Name(_directory.File("one"));
        string message = Assert.Throws<FileNotFoundException>(() => PretrainedModel.Find("tiny-bert", new string('0', 64), Precision.Float32, null)).Message;
        Assert.Contains($"The base model 'tiny-bert' (fingerprint {new string('0', 64)}) was not found", message, StringComparison.Ordinal);
        Assert.Contains($"'{other}'", message, StringComparison.Ordinal);
        Assert.Contains("their weights are not those it was trained on", message, StringComparison.Ordinal);
        Assert.Contains("config.json, model.safetensors, tokenizer.json", message, StringComparison.Ordinal);
        Assert.Contains($"into one of '{_directory.File("one")}'", message, StringComparison.Ordinal);
        Assert.Contains(ModelLocator.FoldersVariable, message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        Environment.SetEnvironmentVariable(ModelLocator.FoldersVariable, _before);
        _directory.Dispose();
    }

    private string Place(string folder, string name)
    {
        string target = _directory.File(Path.Combine(folder, name));
        CopyModel("tiny-bert", target);
        return target;
    }

    private static void CopyModel(string model, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string file in Directory.EnumerateFiles(Fixtures.Model(model)))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
    }

    private static void Name(params string[] folders) =>
        Environment.SetEnvironmentVariable(ModelLocator.FoldersVariable, string.Join(Path.PathSeparator, folders));

    private static string Fingerprint()
    {
        using var model = PretrainedModel.Load(Fixtures.Model("tiny-bert"), Precision.Float32);
        return model.Fingerprint;
    }
}
