using System.Xml.Linq;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>The project file.</summary>
internal static class ProjectFile
{
    private const string OpenApiVersion = "10.0.15";

    public static string Text(TrainingConfig config, string project, LibraryReference library)
    {
        bool isWeb = config.Project == ProjectKind.WebApi;
        var properties = new XElement("PropertyGroup",
            isWeb ? null : new XElement("OutputType", "Exe"),
            new XElement("TargetFramework", "net10.0"),
            new XElement("Nullable", "enable"),
            new XElement("ImplicitUsings", "enable"),
            new XElement("RootNamespace", project),
            new XElement("SatelliteResourceLanguages", "en"),
            new XComment(" Versions stand here, also where a folder above keeps them centrally. "),
            new XElement("ManagePackageVersionsCentrally", "false"),
            library.Properties);
        var references = new XElement("ItemGroup", library.Items);
        if (isWeb)
            references.Add(new XElement("PackageReference", new XAttribute("Include", "Microsoft.AspNetCore.OpenApi"), new XAttribute("Version", OpenApiVersion)));
        var model = new XElement("ItemGroup", new XElement("None", new XAttribute("Update", $"{config.Name}.zip"), new XAttribute("CopyToOutputDirectory", "PreserveNewest")));
        var file = new XElement("Project", new XAttribute("Sdk", isWeb ? "Microsoft.NET.Sdk.Web" : "Microsoft.NET.Sdk"), properties, references, model);
        return file.ToString().ReplaceLineEndings("\n") + "\n";
    }
}
