using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Peft.Checkpoints;

/// <summary>
/// An <c>adapter_config.json</c> of Hugging Face PEFT. Fields that this library does not know are kept, and what was read
/// is written again byte for byte.
/// </summary>
internal sealed class AdapterConfiguration
{
    /// <summary>The PEFT release whose fields a new configuration has.</summary>
    public const string DefaultPeftVersion = "0.21.2";

    /// <summary>The task type of encoder–decoders.</summary>
    public const string SequenceToSequence = "SEQ_2_SEQ_LM";

    private static readonly Dictionary<string, PeftType> PeftTypes = new()
    {
        ["PROMPT_TUNING"] = PeftType.PromptTuning,
        ["PREFIX_TUNING"] = PeftType.PrefixTuning,
        ["P_TUNING"] = PeftType.PTuning,
        ["CARTRIDGE"] = PeftType.Cartridge,
    };

    /// <summary>A soft prompt that is another one for each row, by a task id that rows here do not have.</summary>
    private const string Multitask = "MULTITASK_PROMPT_TUNING";

    private static readonly string[] Strings =
    [
        "task_type", "base_model_name_or_path", "revision", "peft_version", "prompt_tuning_init", "prompt_tuning_init_text",
        "tokenizer_name_or_path", "encoder_reparameterization_type", "init_weights",
    ];

    private static readonly string[] Counts =
    [
        "num_virtual_tokens", "token_dim", "num_layers", "num_attention_heads", "num_transformer_submodules",
        "encoder_hidden_size", "encoder_num_layers",
    ];

    private readonly JsonObject _fields;

    private AdapterConfiguration(JsonObject fields, PeftType peftType)
    {
        _fields = fields;
        PeftType = peftType;
    }

    /// <summary>A new configuration with PEFT's defaults for the fields of <paramref name="peftType"/>.</summary>
    public AdapterConfiguration(PeftType peftType)
        : this([], peftType)
    {
        string[] unset =
        [
            "auto_mapping", "base_model_name_or_path", "modules_to_save", "num_attention_heads", "num_layers",
            "num_transformer_submodules", "num_virtual_tokens", "revision", "task_type", "token_dim",
        ];
        foreach (string field in unset)
        {
            _fields[field] = null;
        }

        _fields["peft_type"] = NameOf(peftType);
        _fields["peft_version"] = DefaultPeftVersion;
        switch (peftType)
        {
            case PeftType.PromptTuning:
                PromptTuningInit = "RANDOM";
                PromptTuningInitText = TokenizerNameOrPath = null;
                _fields["tokenizer_kwargs"] = null;
                break;
            case PeftType.PrefixTuning:
                EncoderHiddenSize = null;
                PrefixProjection = false;
                InitWeights = null;
                break;
            case PeftType.PTuning:
                EncoderReparameterizationType = "MLP";
                EncoderHiddenSize = null;
                EncoderNumLayers = 2;
                EncoderDropout = 0;
                break;
            case PeftType.Cartridge:
                NumFrozenTokens = 1;
                break;
        }
    }

    public PeftType PeftType { get; }

    /// <summary>The kind as PEFT calls it.</summary>
    public string PeftTypeName => NameOf(PeftType);

    /// <summary>Whether the tensors are keys and values of every layer, not embeddings.</summary>
    public bool IsPrefix => PeftType is PeftType.PrefixTuning or PeftType.Cartridge;

    /// <summary>SEQ_CLS, CAUSAL_LM, SEQ_2_SEQ_LM, TOKEN_CLS, QUESTION_ANS or FEATURE_EXTRACTION.</summary>
    public string? TaskType { get => Text("task_type"); set => _fields["task_type"] = value; }

    public string? BaseModelNameOrPath { get => Text("base_model_name_or_path"); set => _fields["base_model_name_or_path"] = value; }

    public string? Revision { get => Text("revision"); set => _fields["revision"] = value; }

    public string? PeftVersion { get => Text("peft_version"); set => _fields["peft_version"] = value; }

    public int? NumVirtualTokens { get => Count("num_virtual_tokens"); set => _fields["num_virtual_tokens"] = value; }

    /// <summary>The hidden size of the base model.</summary>
    public int? TokenDim { get => Count("token_dim"); set => _fields["token_dim"] = value; }

    public int? NumLayers { get => Count("num_layers"); set => _fields["num_layers"] = value; }

    public int? NumAttentionHeads { get => Count("num_attention_heads"); set => _fields["num_attention_heads"] = value; }

    /// <summary>2 for encoder–decoders, else 1.</summary>
    public int? NumTransformerSubmodules { get => Count("num_transformer_submodules"); set => _fields["num_transformer_submodules"] = value; }

    /// <summary><see cref="NumTransformerSubmodules"/>, or what PEFT takes where it is null.</summary>
    public int Submodules => NumTransformerSubmodules ?? (TaskType == SequenceToSequence ? 2 : 1);

    /// <summary>The base model's modules trained and stored with the adapter, such as its classifier; may hold duplicates.</summary>
    public IReadOnlyList<string>? ModulesToSave
    {
        get => (_fields["modules_to_save"] as JsonArray)?.Select(name => name!.GetValue<string>()).ToArray();
        set => _fields["modules_to_save"] = value is null ? null : new JsonArray([.. value.Select(name => JsonValue.Create(name))]);
    }

    /// <summary>Prompt tuning: RANDOM, TEXT or SAMPLE_VOCAB.</summary>
    public string? PromptTuningInit { get => Text("prompt_tuning_init"); set => _fields["prompt_tuning_init"] = value; }

    /// <summary>Prompt tuning: the text that the prompt started from, with <see cref="PromptTuningInit"/> TEXT.</summary>
    public string? PromptTuningInitText { get => Text("prompt_tuning_init_text"); set => _fields["prompt_tuning_init_text"] = value; }

    /// <summary>Prompt tuning: the tokenizer of <see cref="PromptTuningInitText"/>.</summary>
    public string? TokenizerNameOrPath { get => Text("tokenizer_name_or_path"); set => _fields["tokenizer_name_or_path"] = value; }

    /// <summary>Prefix tuning: whether the prefix was trained through an MLP.</summary>
    public bool PrefixProjection { get => (bool?)_fields["prefix_projection"] ?? false; set => _fields["prefix_projection"] = value; }

    /// <summary>Prefix tuning: null or "zero".</summary>
    public string? InitWeights { get => Text("init_weights"); set => _fields["init_weights"] = value; }

    /// <summary>Prefix tuning and P-tuning: the hidden size of the encoder; null for <see cref="TokenDim"/>.</summary>
    public int? EncoderHiddenSize { get => Count("encoder_hidden_size"); set => _fields["encoder_hidden_size"] = value; }

    /// <summary>P-tuning: MLP or LSTM.</summary>
    public string EncoderReparameterizationType
    {
        get => Text("encoder_reparameterization_type") ?? "MLP";
        set => _fields["encoder_reparameterization_type"] = value;
    }

    /// <summary>P-tuning: the layers of an LSTM encoder.</summary>
    public int EncoderNumLayers { get => Count("encoder_num_layers") ?? 2; set => _fields["encoder_num_layers"] = value; }

    /// <summary>P-tuning: the dropout of an LSTM encoder.</summary>
    public double EncoderDropout
    {
        get => (double?)_fields["encoder_dropout"] ?? 0;
        set => _fields["encoder_dropout"] = JsonNode.Parse(PythonFloat(value));
    }

    /// <summary>Cartridge: how many of the first virtual tokens training left alone.</summary>
    public int NumFrozenTokens { get => Count("num_frozen_tokens") ?? 1; set => _fields["num_frozen_tokens"] = value; }

    /// <summary>The configuration in an <c>adapter_config.json</c>.</summary>
    /// <exception cref="InvalidDataException">The file is not valid JSON, or a known field has a wrong value.</exception>
    /// <exception cref="NotSupportedException">It configures another kind of adapter.</exception>
    public static AdapterConfiguration Read(string path)
    {
        try
        {
            JsonNode? root = JsonNode.Parse(File.ReadAllBytes(path), documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
            JsonObject fields = root as JsonObject ?? throw new InvalidDataException($"'{path}' is not a JSON object.");
            var configuration = new AdapterConfiguration(fields, ReadPeftType(path, fields));
            configuration.Check(path);
            // Nodes decode their strings late; writing reaches every one, so that a broken one is found now.
            _ = configuration.ToJson();
            return configuration;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' is not well-formed JSON: {e.Message}", e);
        }
    }

    /// <summary>The text of an <c>adapter_config.json</c> as PEFT writes it: keys sorted, two spaces, ASCII, no final newline.</summary>
    public string ToJson()
    {
        _fields["inference_mode"] = true;
        var json = new StringBuilder();
        Write(json, _fields, indent: 0);
        return json.ToString();
    }

    private static string NameOf(PeftType type) => PeftTypes.First(pair => pair.Value == type).Key;

    private static PeftType ReadPeftType(string path, JsonObject fields)
    {
        if (fields["peft_type"] is not JsonValue value || value.GetValueKind() != JsonValueKind.String)
        {
            throw new InvalidDataException($"'{path}' lacks 'peft_type'; it must be one of {string.Join(", ", PeftTypes.Keys)}.");
        }

        string name = value.GetValue<string>();
        string reason = name == Multitask ? ", whose prompt depends on a task id of each row" : "";
        return PeftTypes.TryGetValue(name, out PeftType type)
            ? type
            : throw new NotSupportedException($"'{path}' configures a {name} adapter{reason}; supported are {string.Join(", ", PeftTypes.Keys)}.");
    }

    private void Check(string path)
    {
        CheckFields(path, Strings, "a string or null", node => node.GetValueKind() == JsonValueKind.String);
        CheckFields(path, Counts, "a positive integer or null", node => node is JsonValue value && value.TryGetValue(out int count) && count > 0);
        CheckFields(path, ["num_frozen_tokens"], "an integer from 0 to num_virtual_tokens",
            node => node is JsonValue value && value.TryGetValue(out int count) && count >= 0 && count <= (NumVirtualTokens ?? int.MaxValue));
        CheckFields(path, ["prefix_projection"], "true or false", node => node.GetValueKind() is JsonValueKind.True or JsonValueKind.False);
        CheckFields(path, ["encoder_dropout"], "a number from 0 to 1", node => node is JsonValue value && value.TryGetValue(out double rate) && rate is >= 0 and <= 1);
        CheckFields(path, ["modules_to_save"], "a list of strings or null",
            node => node is JsonArray names && names.All(name => name?.GetValueKind() == JsonValueKind.String));
    }

    private void CheckFields(string path, string[] names, string expected, Func<JsonNode, bool> isValid)
    {
        foreach (string name in names)
        {
            if (_fields[name] is { } value && !isValid(value))
            {
                throw new InvalidDataException($"'{path}' sets '{name}' to {value.ToJsonString()}; expected {expected}.");
            }
        }
    }

    private string? Text(string field) => (string?)_fields[field];

    private int? Count(string field) => (int?)_fields[field];

    private static void Write(StringBuilder json, JsonNode? node, int indent)
    {
        switch (node)
        {
            case JsonObject fields:
                WriteList(json, '{', '}', indent, [.. fields.OrderBy(field => field.Key, StringComparer.Ordinal)], field =>
                {
                    json.Append(JsonText.Quote(field.Key, asciiOnly: true)).Append(": ");
                    Write(json, field.Value, indent + 2);
                });
                break;
            case JsonArray items:
                WriteList(json, '[', ']', indent, [.. items], item => Write(json, item, indent + 2));
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                json.Append(JsonText.Quote(value.GetValue<string>(), asciiOnly: true));
                break;
            default:
                json.Append(node?.ToJsonString() ?? "null");
                break;
        }
    }

    private static void WriteList<T>(StringBuilder json, char open, char close, int indent, T[] items, Action<T> write)
    {
        json.Append(open);
        foreach (T item in items)
        {
            json.Append('\n').Append(' ', indent + 2);
            write(item);
            json.Append(',');
        }

        if (items.Length > 0)
        {
            json.Length--;
            json.Append('\n').Append(' ', indent);
        }

        json.Append(close);
    }

    /// <summary>A number as Python prints a float: always with a point or an exponent.</summary>
    private static string PythonFloat(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
        return text.AsSpan().ContainsAny('.', 'e') ? text : $"{text}.0";
    }
}
