using Microsoft.ML.Peft.Cli.Projects;

namespace Microsoft.ML.Peft.Cli.Tests.Projects;

public sealed class ProjectFolderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Folder => _directory.File("Tickets");

    [Fact]
    public void A_project_is_made_in_a_new_or_an_empty_folder()
    {
        Write();
        Assert.Equal(["README.md", "Ticket.consumption.cs", "Ticket.data.csv", "Ticket.evaluate.cs", "Ticket.mbconfig", "Ticket.training.cs", "Ticket.zip", "Program.cs", "Tickets.csproj"], Files().Order(StringComparer.Ordinal).Order(StringComparer.InvariantCulture).OrderBy(name => name.StartsWith('P') || name.EndsWith("csproj")));
        Directory.Delete(Folder, recursive: true);
        Directory.CreateDirectory(Folder);
        Write();
        Assert.Equal(9, Files().Length);
    }

    [Fact]
    public void What_is_as_it_was_written_is_replaced_and_what_is_no_part_any_more_goes()
    {
        Write(ProjectKind.WebApi, "Other");
        Directory.CreateDirectory(Path.Combine(Folder, "obj"));
        _directory.Write("Tickets/Mine.cs", "");
        Write();
        Assert.DoesNotContain("Other.serving.cs", Files());
        Assert.DoesNotContain("Other.mbconfig", Files());
        Assert.Contains("Mine.cs", Files());
        Assert.Equal(10, Files().Length);
        Assert.True(Directory.Exists(Path.Combine(Folder, "obj")));
    }

    [Fact]
    public void What_others_have_made_or_changed_is_only_replaced_by_force()
    {
        Directory.CreateDirectory(Folder);
        _directory.Write("Tickets/Program.cs", "mine");
        Assert.Contains("is not empty and no project of peftml", Assert.Throws<IOException>(() => ProjectFolder.Check(Folder, force: false)).Message);
        ProjectFolder.Check(Folder, force: true);
        Write();
        ProjectFolder.Check(Folder, force: false);
        _directory.Write("Tickets/Ticket.training.cs", "mine");
        string message = Assert.Throws<IOException>(() => ProjectFolder.Check(Folder, force: false)).Message;
        Assert.Contains("has been changed since it was written (Ticket.training.cs)", message);
        Assert.Contains("--force", message);
        _directory.Write("Tickets/Ticket.mbconfig", "{");
        Assert.Throws<IOException>(() => ProjectFolder.Check(Folder, force: false));
        ProjectFolder.Check(Folder, force: true);
        Write();
        Assert.Equal(9, Files().Length);
    }

    [Fact]
    public void A_failure_leaves_what_was_there_and_nothing_beside_it()
    {
        Assert.Throws<IOException>(() => Write(failing: true));
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
        Write();
        string before = File.ReadAllText(Path.Combine(Folder, "Ticket.mbconfig"));
        Assert.Throws<IOException>(() => Write(ProjectKind.WebApi, failing: true));
        Assert.Equal(before, File.ReadAllText(Path.Combine(Folder, "Ticket.mbconfig")));
        // A folder where a file has to go.
        File.Delete(Path.Combine(Folder, "Ticket.zip"));
        Directory.CreateDirectory(Path.Combine(Folder, "Ticket.zip"));
        Assert.ThrowsAny<Exception>(() => Write(ProjectKind.WebApi));
        Assert.Equal(before, File.ReadAllText(Path.Combine(Folder, "Ticket.mbconfig")));
        Assert.Equal(8, Files().Length);
        Assert.Equal([Folder], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public void Places_that_cannot_be_written_are_told()
    {
        Assert.Throws<IOException>(() => ProjectFolder.Check(_directory.Write("file", ""), force: true));
        Assert.Throws<DirectoryNotFoundException>(() => ProjectFolder.Check(_directory.File("no/such"), force: true));
        if (OperatingSystem.IsLinux())
            Assert.Contains("cannot be written", Assert.Throws<UnauthorizedAccessException>(() => ProjectFolder.Check("/proc/Tickets", force: true)).Message);
    }

    public void Dispose() => _directory.Dispose();

    private string[] Files() => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileName(file))];

    private void Write(ProjectKind kind = ProjectKind.Console, string name = "Ticket", bool failing = false) => Configs.Project(Configs.Of(PredictionTask.Multiclass, kind), Folder, name).Write(
        path => File.WriteAllText(path, "model"),
        path =>
        {
            File.WriteAllText(path, "rows");
            return failing ? throw new IOException("The disk is full.") : 1;
        });
}
