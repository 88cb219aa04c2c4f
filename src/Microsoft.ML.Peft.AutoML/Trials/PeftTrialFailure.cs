using System.Text.RegularExpressions;
using Microsoft.ML.Peft.Training;

namespace Microsoft.ML.Peft.AutoML;

/// <summary>Why a trial gave no result.</summary>
/// <param name="Reason">The kind of failure.</param>
/// <param name="Message">The error's own sentence.</param>
public sealed partial record PeftTrialFailure(PeftFailureReason Reason, string Message)
{
    internal static PeftTrialFailure Of(Exception exception) => new(
        exception is OutOfMemoryException || NativeOutOfMemory().IsMatch(exception.Message) ? PeftFailureReason.OutOfMemory :
        exception is DivergedException ? PeftFailureReason.Diverged :
        PeftFailureReason.Error,
        exception.Message);

    /// <summary>libtorch reports exhausted memory in an ordinary error's text.</summary>
    [GeneratedRegex("out of memory|(can't|cannot|not enough memory.*) allocate|not enough memory", RegexOptions.IgnoreCase)]
    private static partial Regex NativeOutOfMemory();
}
