namespace Microsoft.ML.Peft.Tokenization;

/// <summary>A part of a template: the first or second text (0 or 1), or special tokens (<c>null</c>).</summary>
internal readonly record struct TemplatePiece(int? Sequence, IReadOnlyList<int> SpecialIds, int TypeId)
{
    public static TemplatePiece Text(int sequence, int typeId) => new(sequence, [], typeId);

    public static TemplatePiece Special(int typeId, params IReadOnlyList<int> ids) => new(null, ids, typeId);
}
