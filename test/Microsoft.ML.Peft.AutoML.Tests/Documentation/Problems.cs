namespace Microsoft.ML.Peft.AutoML.Tests.Documentation;

/// <summary>Fails with every problem at full length; an assertion on the list would show the beginnings of the first few.</summary>
internal static class Problems
{
    public static void AreNone(IEnumerable<string> problems)
    {
        string all = string.Join(Environment.NewLine, problems);
        Assert.True(all.Length == 0, all);
    }
}
