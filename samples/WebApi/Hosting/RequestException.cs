namespace WebApi.Hosting;

/// <summary>A request that cannot be answered as it is. <see cref="ProblemHandler"/> tells the client.</summary>
/// <param name="status">The status of the answer.</param>
/// <param name="message">One sentence: what is wrong and what to do.</param>
internal sealed class RequestException(int status, string message) : Exception(message)
{
    public int Status => status;

    /// <summary>After how many seconds the same request may succeed; null where it never will.</summary>
    public int? RetryAfter { get; init; }
}
