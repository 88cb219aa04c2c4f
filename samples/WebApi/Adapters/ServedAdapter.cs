using Microsoft.ML.Peft;

namespace WebApi.Adapters;

/// <summary>An adapter as clients know it.</summary>
/// <param name="Name">What clients call it.</param>
/// <param name="Key">What the model calls it: an adapter that takes another's place has the same name and another key.</param>
/// <param name="Labels">The labels in the order of the model's outputs; none where it writes.</param>
/// <param name="Description">What its files say.</param>
internal sealed record ServedAdapter(string Name, string Key, IReadOnlyList<string> Labels, AdapterDescription Description)
{
    public bool Writes => Labels.Count == 0;
}
