using PublicApiGenerator;

namespace Microsoft.ML.Peft.AutoML.Tests.Repository;

/// <summary>The public API changes only on purpose: the approved text lies beside this file.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void The_public_API_is_the_approved_one()
    {
        string folder = Path.GetFullPath(Path.Combine(Fixtures.Default, "../../Microsoft.ML.Peft.AutoML.Tests/Repository"));
        string approved = Path.Combine(folder, "PublicApi.approved.txt"), received = Path.Combine(folder, "PublicApi.received.txt");
        string actual = typeof(PeftExperiment).Assembly.GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false, DenyNamespacePrefixes = [] }).ReplaceLineEndings("\n") + "\n";
        if (File.Exists(approved) && File.ReadAllText(approved).ReplaceLineEndings("\n") == actual)
        {
            File.Delete(received);
            return;
        }
        File.WriteAllText(received, actual);
        Assert.Fail($"The public API differs from the approved one. If that is meant, replace '{approved}' by '{received}'.");
    }
}
