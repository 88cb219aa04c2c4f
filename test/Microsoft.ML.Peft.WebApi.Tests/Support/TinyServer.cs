namespace Microsoft.ML.Peft.WebApi.Tests.Support;

/// <summary>One server with tiny models for the tests of a class that leave it as it is.</summary>
public sealed class TinyServer : IDisposable
{
    internal Server Server { get; } = new();

    public void Dispose() => Server.Dispose();
}
