using System.Reflection;
using System.Text.Json;
using System.Xml.Linq;

namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>How a generated project comes by the library.</summary>
/// <param name="Properties">What its project file says about it, as properties.</param>
/// <param name="Items">And as items.</param>
/// <param name="Explanation">The same in a paragraph.</param>
internal sealed record LibraryReference(IReadOnlyList<XElement> Properties, IReadOnlyList<XElement> Items, string Explanation)
{
    public const string AsPackage = "package";

    private const string Library = "Microsoft.ML.Peft";
    private const string NativeLibrary = "libtorch-cpu-";
    private const string Home = "PeftMl";

    private static readonly (string System, string Runtime)[] Systems = [("Linux", "linux-x64"), ("Windows", "win-x64"), ("OSX", "osx-arm64")];

    private static readonly string ProjectPath = Path.Combine("src", Library, $"{Library}.csproj");

    /// <summary>The reference that was asked for, or else the one that suits where this program runs.</summary>
    /// <param name="given">`package`, `package@VERSION`, a checkout's folder, or the folder of an installed tool; null to choose.</param>
    /// <param name="project">The project's folder.</param>
    public static LibraryReference Of(string? given, string project)
    {
        if (given is null)
            return Checkout(AppContext.BaseDirectory) is { } checkout ? OfProject(checkout, project) : OfAssembly(AppContext.BaseDirectory);
        if (given.Split('@') is [AsPackage, .. var rest])
            return OfPackage(rest is [var version] ? version : Version);
        if (File.Exists(Path.Combine(given, ProjectPath)))
            return OfProject(Path.GetFullPath(given), project);
        return File.Exists(Path.Combine(given, $"{Library}.dll"))
            ? OfAssembly(Path.GetFullPath(given))
            : throw new DirectoryNotFoundException($"'{given}' holds neither {ProjectPath} nor {Library}.dll; give a checkout of the repository, the folder of an installed peftml, or '{AsPackage}'.");
    }

    private static string Version => typeof(PeftModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static string? Checkout(string folder)
    {
        for (DirectoryInfo? parent = new(folder); parent is not null; parent = parent.Parent)
        {
            if (File.Exists(Path.Combine(parent.FullName, ProjectPath)))
                return parent.FullName;
        }
        return null;
    }

    /// <summary>A project within the checkout finds it wherever the checkout lies; and there what all its projects import says which libtorch they get.</summary>
    private static LibraryReference OfProject(string checkout, string project)
    {
        bool isWithin = !Path.GetRelativePath(checkout, project).StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(Path.GetRelativePath(checkout, project));
        string home = (isWithin ? Path.GetRelativePath(project, checkout) : checkout).Replace('\\', '/').TrimEnd('/') + "/";
        var library = new XElement("ProjectReference", new XAttribute("Include", $"$({Home}){ProjectPath.Replace('\\', '/')}"));
        return new LibraryReference([new XElement(Home, home)], [library],
            $"The library is that of the checkout which `{Home}` names in the project file; where it has moved, change that, or build with `-p:{Home}=/path/to/checkout/`.");
    }

    /// <summary>A package that is for all systems leaves the native library to programs.</summary>
    private static LibraryReference OfPackage(string version) => new(
        [], [Package(Library, version), .. NativePackages(Libraries(AppContext.BaseDirectory))],
        $"The library is the package {Library} {version}, from the feeds that your `nuget.config` names.");

    /// <summary>The library as it lies beside this program, and what it depends on as packages.</summary>
    private static LibraryReference OfAssembly(string folder)
    {
        string home = folder.Replace('\\', '/').TrimEnd('/') + "/";
        var libraries = Libraries(folder);
        var library = new XElement("Reference", new XAttribute("Include", $"$({Home}){Library}.dll"));
        var models = new XElement("Content", new XAttribute("Include", $"$({Home})models/**"), new XAttribute("LinkBase", "models"), new XAttribute("CopyToOutputDirectory", "PreserveNewest"));
        var dependencies = libraries.First(entry => entry.Name.StartsWith($"{Library}/", StringComparison.Ordinal)).Value.GetProperty("dependencies").EnumerateObject()
            .Where(dependency => !dependency.Name.StartsWith(NativeLibrary, StringComparison.Ordinal))
            .Select(dependency => Package(dependency.Name, dependency.Value.GetString()!));
        return new LibraryReference([new XElement(Home, home)], [library, models, .. dependencies, .. NativePackages(libraries)],
            $"The library and its frozen models are those of the installed `peftml`, in the folder which `{Home}` names in the project file; after an update of the tool, change that, or build with `-p:{Home}=/path/to/folder/`.");
    }

    /// <summary>What the program in a folder consists of, by name and version.</summary>
    private static IReadOnlyList<JsonProperty> Libraries(string folder)
    {
        string path = Path.Combine(folder, "peftml.deps.json");
        if (!File.Exists(path))
            throw new FileNotFoundException($"'{folder}' lacks 'peftml.deps.json', which says what {Library} needs; give a checkout of the repository with --library, or the folder of an installed peftml.", path);
        return [.. JsonDocument.Parse(File.ReadAllBytes(path)).RootElement.GetProperty("targets").EnumerateObject().Last().Value.EnumerateObject()];
    }

    /// <summary>The native library is another package on each system.</summary>
    private static IEnumerable<XElement> NativePackages(IReadOnlyList<JsonProperty> libraries)
    {
        string version = libraries.First(entry => entry.Name.StartsWith(NativeLibrary, StringComparison.Ordinal)).Name.Split('/')[1];
        return Systems.Select(system =>
        {
            var package = Package(NativeLibrary + system.Runtime, version);
            package.Add(new XAttribute("Condition", $"$([MSBuild]::IsOSPlatform('{system.System}'))"));
            return package;
        });
    }

    private static XElement Package(string name, string version) => new("PackageReference", new XAttribute("Include", name), new XAttribute("Version", version));
}
