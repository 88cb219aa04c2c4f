using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.Benchmarks;

var json = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

var model = new Option<string?>("--model") { Description = "The frozen model's directory; the embedded default if absent." };
var train = new Option<FileInfo>("--train") { Description = "Training rows: a TSV with the header Text<TAB>Label.", Required = true };
var test = new Option<FileInfo>("--test") { Description = "Test rows: a TSV with the header Text<TAB>Label.", Required = true };
var method = new Option<string>("--method") { Description = "The method.", DefaultValueFactory = _ => "prefix" };
method.AcceptOnlyFromAmong(MethodOptions.Methods);
var options = new Option<string[]>("--options") { Description = "Further options of the method, such as LearningRate=0.01.", AllowMultipleArgumentsPerToken = true };
var epochs = new Option<int?>("--epochs") { Description = "MaxEpochs." };
var seeds = new Option<int[]>("--seed") { Description = "One run per seed.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1] };
var verbose = new Option<bool>("--verbose") { Description = "The training log on the error stream." };

var quality = new Command("quality", "Trains a method and prints its test accuracy beside the linear probe's.") { model, train, test, method, epochs, seeds, options, verbose };
quality.SetAction(arguments =>
{
    foreach (int seed in arguments.GetValue(seeds)!)
    {
        var result = QualityBenchmark.Run(
            arguments.GetValue(model), arguments.GetValue(train)!, arguments.GetValue(test)!, arguments.GetValue(method)!,
            arguments.GetValue(options) ?? [], arguments.GetValue(epochs), seed, arguments.GetValue(verbose));
        Console.WriteLine(JsonSerializer.Serialize(result, json));
    }
});

return new RootCommand("Benchmarks of soft prompts. Every result is one line of JSON.") { quality }.Parse(args).Invoke();
