using System.CommandLine;
using Microsoft.ML.Peft.Cli.Output;
using Spectre.Console;

namespace Microsoft.ML.Peft.Cli.Commands;

/// <summary>The frozen models on this machine.</summary>
internal static class ModelsCommand
{
    public static Verb Create(Terminal terminal)
    {
        var verb = new Verb("models", "List, download and remove frozen models.", "peftml models list");
        foreach (var part in new[] { List(terminal), Download(terminal), Remove(terminal), Where(terminal) })
            verb.Add(part);
        return verb;
    }

    /// <summary>The path of what the cache holds of `owner/name`.</summary>
    public static string InCache(string id)
    {
        string repository = id.Split('@', ':')[0];
        return PretrainedModels.Cached().Any(cached => cached.Repository == repository)
            ? PretrainedModels.DownloadAsync(id).GetAwaiter().GetResult()
            : throw new DirectoryNotFoundException($"The model '{id}' is no path here and not in the cache; 'peftml models download {id}' gets it.");
    }

    private static Verb List(Terminal terminal)
    {
        var verb = new Verb("list", "List the models in folders and in the cache of the Hugging Face hub.", "peftml models list");
        verb.Run(terminal, (_, _) =>
        {
            var local = PretrainedModels.Local.Select(path => (Name: Path.GetFileName(path), Path: path, Bytes: Size(path))).ToList();
            var cached = PretrainedModels.Cached();
            if (terminal.Json)
            {
                terminal.WriteJson(new { Local = local.Select(model => new { model.Name, model.Path, model.Bytes }), Cached = cached });
                return;
            }
            var table = new Table().Border(TableBorder.Rounded).AddColumn("Model").AddColumn(new TableColumn("Size").RightAligned()).AddColumn("Where");
            foreach (var (name, path, bytes) in local)
                table.AddRow(Markup.Escape(name), Figures.Bytes(bytes), Markup.Escape(Path.GetDirectoryName(path)!));
            foreach (var model in cached)
                table.AddRow(Markup.Escape(model.Repository), Figures.Bytes(model.Bytes), $"cache, {model.LastWriteTime:yyyy-MM-dd}{(model.Commits.Count > 1 ? $", {model.Commits.Count} revisions" : "")}");
            terminal.Results.Write(table);
        });
        return verb;
    }

    private static Verb Download(Terminal terminal)
    {
        var verb = new Verb("download", "Download a model or adapter into the cache; what is there already is not downloaded again.", "peftml models download google-bert/bert-base-uncased");
        var id = new Argument<string>("ID") { Description = "owner/name, owner/name@revision or owner/name:file.gguf on the Hugging Face hub." };
        var adapter = new Option<bool>("--adapter") { Description = "It is an adapter of Hugging Face PEFT, and no model." };
        verb.Add(id);
        verb.Add(adapter);
        verb.Run(terminal, (parsed, cancellation) =>
        {
            string name = parsed.GetValue(id)!;
            string path = Downloads.Run(terminal, name, progress => PretrainedModels.DownloadAsync(name, parsed.GetValue(adapter), progress, cancellation));
            if (terminal.Json)
                terminal.WriteJson(new { Id = name, Path = path });
            else
                terminal.Out.WriteLine(path);
        });
        return verb;
    }

    private static Verb Remove(Terminal terminal)
    {
        var verb = new Verb("remove", "Remove a model from the cache.", "peftml models remove google-bert/bert-base-uncased");
        var repository = new Argument<string>("ID") { Description = "owner/name." };
        repository.CompletionSources.Add(_ => PretrainedModels.Cached().Select(model => new System.CommandLine.Completions.CompletionItem(model.Repository)));
        verb.Add(repository);
        verb.Run(terminal, (parsed, _) =>
        {
            string name = parsed.GetValue(repository)!;
            long bytes = PretrainedModels.Remove(name);
            if (terminal.Json)
                terminal.WriteJson(new { Removed = name, Bytes = bytes });
            else
                terminal.Out.WriteLine($"Removed {name} ({Figures.Bytes(bytes)}).");
        });
        return verb;
    }

    private static Verb Where(Terminal terminal)
    {
        var verb = new Verb("where", "Say in which folders models are looked for; with a name, where that one is.", "peftml models where all-MiniLM-L6-v2");
        var model = new Argument<string?>("MODEL") { Description = "The name of a model, or owner/name.", Arity = ArgumentArity.ZeroOrOne };
        verb.Add(model);
        verb.Run(terminal, (parsed, _) =>
        {
            string[] places = parsed.GetValue(model) is { } name
                ? [Downloads.IsOnHub(name) ? InCache(name) : ModelDescription.Read(name).Path]
                : [.. PretrainedModels.Folders, PretrainedModels.CacheDirectory];
            if (terminal.Json)
                terminal.WriteJson(places);
            else
                terminal.Out.WriteLine(string.Join(Environment.NewLine, places));
        });
        return verb;
    }

    private static long Size(string path) => File.Exists(path) ? new FileInfo(path).Length : Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
}
