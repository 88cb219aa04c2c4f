using System.Text.Json.Nodes;
using Microsoft.ML.Peft.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>A copy of one of the small models, which a test may change and which is deleted with it.</summary>
internal sealed class ModelCopy : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public ModelCopy(string model = "tiny-bert")
    {
        foreach (string file in Directory.EnumerateFiles(Fixtures.Model(model)))
            System.IO.File.Copy(file, File(System.IO.Path.GetFileName(file)));
    }

    public string Path => _directory.Path;

    public string File(string name) => _directory.File(name);

    /// <summary>Sets a key of `config.json`, given as JSON.</summary>
    public ModelCopy Configure(string key, string json) => Edit(config => config[key] = JsonNode.Parse(json));

    public ModelCopy RemoveKey(string key) => Edit(config => config.Remove(key));

    /// <summary>Writes a file, in a subfolder if the name says so.</summary>
    public ModelCopy Write(string name, string content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File(name))!);
        System.IO.File.WriteAllText(File(name), content);
        return this;
    }

    public ModelCopy Delete(string name)
    {
        System.IO.File.Delete(File(name));
        return this;
    }

    /// <summary>Changes the weights, by name.</summary>
    public ModelCopy Rewrite(Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(File(Checkpoint.FileName));
        var tensors = file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).clone());
        change(tensors);
        SafetensorsWriter.Write(File(Checkpoint.FileName), tensors);
        return this;
    }

    public PretrainedModel Load(Precision precision = Precision.Float32) => PretrainedModel.Load(Path, precision);

    public void Dispose() => _directory.Dispose();

    private ModelCopy Edit(Action<JsonObject> change)
    {
        var config = JsonNode.Parse(System.IO.File.ReadAllText(File("config.json")))!.AsObject();
        change(config);
        System.IO.File.WriteAllText(File("config.json"), config.ToJsonString());
        return this;
    }
}
