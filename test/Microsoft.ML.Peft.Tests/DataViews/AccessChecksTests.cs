using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.DataViews;

public sealed class AccessChecksTests
{
    private const BindingFlags Any = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly string Project = Path.GetFullPath(Path.Combine(Fixtures.Root, "../../../src/Microsoft.ML.Peft/Microsoft.ML.Peft.csproj"));

    public static TheoryData<string, string> Members
    {
        get
        {
            var members = new TheoryData<string, string>();
            foreach (var item in XDocument.Load(Project).Descendants("PublicizedMember"))
            {
                foreach (string member in item.Attribute("Include")!.Value.Split(';'))
                    members.Add(item.Attribute("Assembly")!.Value, member);
            }
            return members;
        }
    }

    [Theory]
    [MemberData(nameof(Members))]
    public void Every_internal_that_is_used_exists_at_run_time(string assembly, string member)
    {
        string[] parts = member.Split("::");
        var type = Assembly.Load(assembly).GetType(parts[0], throwOnError: true)!;
        if (parts.Length > 1)
            Assert.NotEmpty(type.GetMember(parts[1], MemberTypes.All, Any));
    }

    [Fact]
    public void The_assemblies_whose_internals_are_used_are_declared()
    {
        var declared = typeof(PeftCatalog).Assembly.GetCustomAttributesData()
            .Where(a => a.AttributeType.FullName == typeof(RuntimeHelpers).Namespace + ".IgnoresAccessChecksToAttribute")
            .Select(a => (string)a.ConstructorArguments[0].Value!);
        var used = XDocument.Load(Project).Descendants("PublicizedMember").Select(i => i.Attribute("Assembly")!.Value).Distinct();
        Assert.Equal(used.Order(), declared.Order());
    }
}
