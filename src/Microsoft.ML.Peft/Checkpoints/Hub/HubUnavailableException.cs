namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>The network or the server failed in a way that may pass.</summary>
/// <param name="message">For the user, should it not pass.</param>
/// <param name="inner">The cause.</param>
/// <param name="retryAfter">How long the server asks to wait; null where it does not say.</param>
internal sealed class HubUnavailableException(string message, Exception? inner = null, TimeSpan? retryAfter = null) : IOException(message, inner)
{
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
