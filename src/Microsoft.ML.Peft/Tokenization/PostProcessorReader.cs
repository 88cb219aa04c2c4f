using System.Text.Json;

namespace Microsoft.ML.Peft.Tokenization;

/// <summary>Reads the <c>post_processor</c> of a tokenizer file; each kind comes down to templates and trimming.</summary>
internal static class PostProcessorReader
{
    public static PostProcessor Read(JsonObject? json) => json is null ? new PostProcessor() : json.Type switch
    {
        "TemplateProcessing" => ReadTemplates(json),
        "BertProcessing" => ReadBert(json),
        "RobertaProcessing" => ReadRoberta(json),
        "ByteLevel" => new PostProcessor { Trims = ReadTrims(json) },
        "Sequence" => ReadSequence(json),
        _ => throw json.UnsupportedType(),
    };

    private static PostProcessor ReadSequence(JsonObject json)
    {
        JsonObject[] steps = [.. json.Objects("processors")];
        JsonObject[] templates = [.. steps.Where(step => step.Type != "ByteLevel")];
        if (templates.Length > 1)
            throw json.Unsupported("has more than one processor that adds special tokens, which is not supported");
        PostProcessor template = Read(templates.FirstOrDefault());
        return new PostProcessor
        {
            Single = template.Single,
            Pair = template.Pair,
            Trims = [.. steps.SelectMany(step => Read(step).Trims)],
        };
    }

    private static PostProcessor ReadTemplates(JsonObject json)
    {
        Dictionary<string, int[]> specials = new(StringComparer.Ordinal);
        foreach (JsonProperty special in json.Properties("special_tokens"))
        {
            JsonObject token = json.Object("special_tokens").Object(special.Name);
            specials[special.Name] = [.. token.Array("ids").Select(id => token.CountOf(id, "ids"))];
        }
        return new PostProcessor
        {
            Single = [.. json.Objects("single").Select(piece => ReadPiece(piece, specials))],
            Pair = [.. json.Objects("pair").Select(piece => ReadPiece(piece, specials))],
        };
    }

    private static TemplatePiece ReadPiece(JsonObject piece, Dictionary<string, int[]> specials)
    {
        if (piece.OptionalObject("Sequence") is JsonObject sequence)
        {
            return sequence.Text("id") is "A" or "B"
                ? TemplatePiece.Text(sequence.Text("id") == "A" ? 0 : 1, sequence.Count("type_id"))
                : throw sequence.Invalid("is neither 'A' nor 'B'");
        }
        JsonObject special = piece.Object("SpecialToken");
        return specials.TryGetValue(special.Text("id"), out int[]? ids)
            ? TemplatePiece.Special(special.Count("type_id"), ids)
            : throw special.Invalid($"names '{special.Text("id")}', which 'special_tokens' lacks");
    }

    private static PostProcessor ReadBert(JsonObject json)
    {
        (int cls, int sep) = (ReadSpecial(json, "cls"), ReadSpecial(json, "sep"));
        TemplatePiece[] single = [TemplatePiece.Special(0, cls), TemplatePiece.Text(0, 0), TemplatePiece.Special(0, sep)];
        return new PostProcessor
        {
            Single = single,
            Pair = [.. single, TemplatePiece.Text(1, 1), TemplatePiece.Special(1, sep)],
        };
    }

    private static PostProcessor ReadRoberta(JsonObject json)
    {
        (int cls, int sep) = (ReadSpecial(json, "cls"), ReadSpecial(json, "sep"));
        TemplatePiece[] single = [TemplatePiece.Special(0, cls), TemplatePiece.Text(0, 0), TemplatePiece.Special(0, sep)];
        return new PostProcessor
        {
            Single = single,
            Pair = [.. single, TemplatePiece.Special(0, sep), TemplatePiece.Text(1, 0), TemplatePiece.Special(0, sep)],
            Trims = ReadTrims(json),
        };
    }

    /// <summary>A special token is written as its text and its id.</summary>
    private static int ReadSpecial(JsonObject json, string name) =>
        json.Array(name).ToArray() is [_, JsonElement id]
            ? json.CountOf(id, name)
            : throw json.Invalid($"has a '{name}' that is not a token and its id");

    private static bool[] ReadTrims(JsonObject json) =>
        json.Flag("trim_offsets", missing: true) ? [json.Flag("add_prefix_space", missing: true)] : [];
}
