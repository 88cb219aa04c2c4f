namespace Microsoft.ML.Peft.Tests.Support;

/// <summary>Tests of what belongs to the whole process: they run while no other test does.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
