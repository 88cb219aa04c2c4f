namespace Microsoft.ML.Peft.Cli.Projects;

/// <summary>What a generated project is.</summary>
internal enum ProjectKind
{
    /// <summary>A program for the terminal.</summary>
    Console,

    /// <summary>A web API of ASP.NET Core.</summary>
    WebApi,
}
