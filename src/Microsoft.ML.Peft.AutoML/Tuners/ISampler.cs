using Microsoft.ML.Peft.AutoML.Spaces;

namespace Microsoft.ML.Peft.AutoML.Tuners;

/// <summary>Proposes configurations.</summary>
internal interface ISampler
{
    string Description { get; }

    /// <summary>A configuration that was not tried yet; null if there is none left, or none could be found.</summary>
    Configuration? Propose(SearchHistory history);
}
