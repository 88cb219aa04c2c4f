using ManyTasks;
using Microsoft.ML;
using Microsoft.ML.Peft;
using Samples;
using Spectre.Console;

Screen.Prepare();
return Arguments.Invoke(args, arguments => ExitCode.Of(() => Run(arguments)));

static void Run(Arguments arguments)
{
    string[] tasks = [nameof(Message.Queue), nameof(Message.Urgency), nameof(Message.Mood)];
    using var controlC = new ControlC();
    var memory = new MemoryTable();

    // The frozen model is loaded once, whatever is trained and predicted with it.
    using var backbone = PretrainedModel.Load();
    foreach (string task in tasks.Where(task => !File.Exists(Path.Combine(arguments.Directory(task), "adapter_config.json"))))
        Train(task, arguments, controlC.Token);

    // The first adapter is called "default", further ones have names.
    memory.Add("the frozen model");
    using var model = PeftModel.Load(backbone, arguments.Directory(tasks[0]));
    foreach (string task in tasks[1..])
        model.AddAdapter(task, arguments.Directory(task));
    string Adapter(string task) => task == tasks[0] ? PeftModel.DefaultAdapter : task;

    // One batch: every text with every adapter. All rows pass the frozen model together.
    (string Adapter, string Text)[] rows = [.. from text in arguments.Texts from task in tasks select (Adapter(task), text)];
    var probabilities = model.Classify(rows);
    memory.Add($"{tasks.Length} adapters");
    Screen.Heading($"{arguments.Texts.Count} messages, {tasks.Length} tasks: one batch of {rows.Length} rows");
    Report.Predictions(model, tasks, rows, probabilities);

    // What many more adapters cost; each is loaded from its directory, as if it were another one.
    for (int i = 0; i < arguments.Copies; i++)
        model.AddAdapter($"{i}", arguments.Directory(tasks[i % tasks.Length]));
    model.Classify([.. Enumerable.Range(0, arguments.Copies).Select(i => ($"{i}", arguments.Texts[0]))]);
    memory.Add($"{tasks.Length + arguments.Copies} adapters, all in one batch");
    for (int i = 0; i < arguments.Copies; i++)
        model.RemoveAdapter($"{i}");
    Screen.Heading("Memory");
    memory.Write();

    Screen.Heading("Adapters come and go while others predict");
    (string, string)[] others = [.. rows.Where(row => row.Adapter != tasks[^1])];
    Report.Service(ServiceTest.Run(model, others, tasks[^1], arguments.Directory(tasks[^1]), TimeSpan.FromSeconds(arguments.Seconds), controlC.Token), tasks[^1]);
}

static void Train(string task, Arguments arguments, CancellationToken cancellation)
{
    var mlContext = new MLContext(arguments.Seed);
    var rows = mlContext.Data.LoadFromTextFile<Message>(Path.Combine(AppContext.BaseDirectory, "data", "messages.tsv"), hasHeader: true);
    var pipeline = mlContext.Transforms.Conversion.MapValueToKey(task).Append(mlContext.Transforms.PrefixTuning(new PrefixTuningOptions
    {
        LabelColumnName = task,
        VirtualTokens = arguments.VirtualTokens,
        MaxEpochs = arguments.Epochs,
        CancellationToken = cancellation,
    }));
    Screen.Heading($"Training the adapter '{task}'");
    using var model = TrainingDisplay.Run(mlContext, () => pipeline.Fit(rows));
    model.LastTransformer.SaveAdapter(arguments.Directory(task));
    double kilobytes = Directory.EnumerateFiles(arguments.Directory(task)).Sum(file => new FileInfo(file).Length) / 1024.0;
    AnsiConsole.WriteLine($"Saved in {arguments.Directory(task)}: {kilobytes:0} KB.");
}
