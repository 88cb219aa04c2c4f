namespace Microsoft.ML.Peft.WebApi.Tests.Support;

/// <summary>One server with the embedded models and the sample's adapters for several classes of tests, which writes one text at a time.</summary>
public sealed class EmbeddedServer : IDisposable
{
    internal Server Server { get; } = new(embedded: true, settings: ("MaxWritings", "1"));

    public void Dispose() => Server.Dispose();
}

/// <summary>These classes share the server, and so run one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class EmbeddedServerTests : ICollectionFixture<EmbeddedServer>
{
    public const string Name = "Embedded models";
}
