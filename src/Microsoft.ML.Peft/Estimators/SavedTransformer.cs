using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Peft.DataViews;
using Microsoft.ML.Peft.Inference;

namespace Microsoft.ML.Peft.Estimators;

/// <summary>
/// What a saved pipeline holds of a transformer: its columns, the adapter's files, and the name and fingerprint of the frozen model,
/// whose weights are not saved.
/// </summary>
internal sealed record SavedTransformer(
    PredictionShape Shape, Precision Precision, string ModelName, string ModelFingerprint,
    IReadOnlyDictionary<string, byte[]> Files, TrainingHistory History)
{
    public const string LoaderSignature = "SoftPromptTransformer";

    private const string HistoryStream = "TrainingHistory.json";
    private const string KeysStream = "LabelValues.json";
    private const string FilePrefix = "Adapter-";
    private const int MostFiles = 64;

    // Version 1 knew no generation, and had no name for its column.
    private const uint FirstWithGeneration = 0x00010002;

    private static readonly JsonSerializerOptions JsonOptions = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    // The simple assembly name: with the full one, a newer file would fail with "assembly not found" instead of naming its version.
    private static VersionInfo Version => new(
        modelSignature: "SOFTPRMT", verWrittenCur: 0x00010002, verReadableCur: 0x00010002, verWeCanReadBack: 0x00010001,
        loaderSignature: LoaderSignature, loaderAssemblyName: typeof(SavedTransformer).Assembly.GetName().Name);

    public void Write(ModelSaveContext context)
    {
        context.CheckAtModel();
        context.SetVersionInfo(Version);
        var names = Shape.Names;
        context.SaveNonEmptyString(names.Label);
        context.SaveNonEmptyString(names.Text);
        context.SaveStringOrNull(names.SecondText);
        context.SaveNonEmptyString(names.PredictedLabel);
        context.SaveNonEmptyString(names.Score);
        context.SaveNonEmptyString(names.Probability);
        context.SaveNonEmptyString(names.GeneratedText);
        context.SaveNonEmptyString(ModelName);
        context.SaveNonEmptyString(ModelFingerprint);
        context.Writer.Write((int)Precision);
        context.Writer.Write((int)Shape.Task);
        context.Writer.Write(Shape.Outputs);
        context.Writer.Write(Files.Count);
        foreach (string file in Files.Keys)
            context.SaveNonEmptyString(file);
        context.Writer.Write(Shape.Keys is not null);

        foreach (var (name, bytes) in Files)
            context.SaveBinaryStream(FilePrefix + name, writer => writer.Write(bytes));
        if (Shape.Keys is not null)
            context.SaveBinaryStream(KeysStream, writer => writer.Write(Shape.Keys.ToJson()));
        context.SaveBinaryStream(HistoryStream, writer => writer.Write(JsonSerializer.SerializeToUtf8Bytes(History, JsonOptions)));
    }

    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static SavedTransformer Read(ModelLoadContext context)
    {
        context.CheckAtModel(Version);
        try
        {
            var names = new ColumnNames(
                context.LoadNonEmptyString(), context.LoadNonEmptyString(), context.LoadStringOrNull(),
                context.LoadNonEmptyString(), context.LoadNonEmptyString(), context.LoadNonEmptyString(),
                context.Header.ModelVerWritten < FirstWithGeneration ? ColumnNames.DefaultGeneratedText : context.LoadNonEmptyString());
            string modelName = context.LoadNonEmptyString(), fingerprint = context.LoadNonEmptyString();
            var precision = ReadEnum<Precision>(context);
            var task = ReadEnum<PredictionTask>(context);
            bool writes = task == PredictionTask.Generation;
            int outputs = ReadCount(context, "outputs", writes ? 0 : 1, writes ? 0 : PredictionShape.MostClasses);
            int files = ReadCount(context, "files", 1, MostFiles);
            var fileNames = Enumerable.Range(0, files).Select(_ => context.LoadNonEmptyString()).ToList();
            var keys = context.Reader.ReadBoolean() ? LabelKeys.FromJson(ReadStream(context, KeysStream)) : null;
            CheckOutputs(task, outputs, keys);
            return new SavedTransformer(new PredictionShape(names, task, outputs, keys), precision, modelName, fingerprint,
                fileNames.Distinct().ToDictionary(name => name, name => ReadStream(context, FilePrefix + name)),
                JsonSerializer.Deserialize<TrainingHistory>(ReadStream(context, HistoryStream), JsonOptions) ?? throw Damaged("its training history is empty"));
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or JsonException)
        {
            throw Damaged(e.Message);
        }
    }

    private static T ReadEnum<T>(ModelLoadContext context) where T : struct, Enum
    {
        int value = context.Reader.ReadInt32();
        return Enum.IsDefined(typeof(T), value) ? (T)Enum.ToObject(typeof(T), value) : throw Damaged($"it has no {typeof(T).Name} {value}");
    }

    private static int ReadCount(ModelLoadContext context, string what, int least, int most)
    {
        int value = context.Reader.ReadInt32();
        return value >= least && value <= most ? value : throw Damaged($"its number of {what} is {value}, not {least} to {most}");
    }

    private static void CheckOutputs(PredictionTask task, int outputs, LabelKeys? keys)
    {
        bool valid = task switch
        {
            PredictionTask.Binary => outputs == 2 && keys is null,
            PredictionTask.Regression => outputs == 1 && keys is null,
            PredictionTask.Generation => keys is null,
            _ => keys is null || keys.Names.Count == outputs,
        };
        if (!valid)
            throw Damaged($"{outputs} outputs and {keys?.Names.Count ?? 0} label values do not fit {task}");
    }

    private static byte[] ReadStream(ModelLoadContext context, string name)
    {
        var bytes = new MemoryStream();
        if (!context.TryLoadBinaryStream(name, reader => reader.BaseStream.CopyTo(bytes)))
            throw Damaged($"the part '{name}' is missing");
        return bytes.ToArray();
    }

    // Without an inner exception: ML.NET wraps what a loader throws, and this sentence is to be the base exception.
    private static InvalidDataException Damaged(string reason) => new($"The saved soft prompt is damaged ({reason}); save the model again.");
}
