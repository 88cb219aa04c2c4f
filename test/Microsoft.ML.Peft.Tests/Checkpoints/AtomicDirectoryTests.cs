using Microsoft.ML.Peft.Checkpoints;
using Microsoft.ML.Peft.Tests.Support;

namespace Microsoft.ML.Peft.Tests.Checkpoints;

public sealed class AtomicDirectoryTests : IDisposable
{
    private const string Last = "config";
    private static readonly string[] Names = ["head", "extra", Last, "weights"];

    private readonly TemporaryDirectory _directory = new();

    private string Target => _directory.File("target");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_directory_is_created_with_its_parents_and_replaced()
    {
        string nested = Path.Combine(Target, "below", "it") + Path.DirectorySeparatorChar;
        New(nested).Write(Names, Old);
        AssertIs(Generation.Old, nested);
        New(nested).Write(Names, Newer);
        AssertIs(Generation.New, nested);
        AssertNothingElse(nested);
        Assert.Single(Directory.GetFileSystemEntries(Path.Combine(Target, "below")));
    }

    [Fact]
    public void Killed_while_a_directory_is_created_it_is_there_as_a_whole_or_not_at_all()
    {
        var seen = new List<bool>();
        for (int operations = 0; ; operations++)
        {
            string path = _directory.File($"new{operations}");
            bool killed = Kill(path, operations, Old);
            seen.Add(Directory.Exists(path));
            if (Directory.Exists(path))
                AssertIs(Generation.Old, path);
            if (!killed)
                break;
        }
        Assert.Equal(3, seen.Count);        // before making it, before renaming it, and not at all
        Assert.Equal([false, false, true], seen);
    }

    [Fact]
    public void Killed_at_any_moment_of_replacing_all_files_are_old_or_all_are_new()
    {
        var seen = new List<Generation>();
        for (int operations = 0; ; operations++)
        {
            string path = OldWithNotes($"target{operations}");
            bool killed = Kill(path, operations, Newer);
            AssertNoMixture(path);
            New(path).Recover();
            seen.Add(Seen(path));
            Assert.Equal("mine", File.ReadAllText(Path.Combine(path, "notes.txt")));
            if (!killed)
            {
                AssertNothingElse(path, "notes.txt");
                break;
            }
        }
        Assert.Equal(seen.Order(), seen);   // never back to old
        Assert.True(seen.Count(generation => generation == Generation.Old) >= 3);
        Assert.True(seen.Count(generation => generation == Generation.New) >= 6);
    }

    [Fact]
    public void Killed_again_while_recovering_nothing_is_lost_either()
    {
        for (int first = 0; ; first++)
        {
            string path = OldWithNotes($"a{first}");
            bool killed = Kill(path, first, Newer);
            for (int second = 0; second < 12; second++)
            {
                int left = second;
                Survive(() => new AtomicDirectory(path, Last, () => Count(ref left)).Recover());
                AssertNoMixture(path);
            }
            New(path).Recover();
            Assert.NotEqual(Generation.None, Seen(path));
            if (!killed)
                break;
        }
    }

    [Fact]
    public void The_next_writing_removes_what_a_killed_one_left()
    {
        for (int operations = 0; ; operations++)
        {
            string path = OldWithNotes($"target{operations}");
            bool killed = Kill(path, operations, Old);
            New(path).Write(Names, Newer);
            AssertIs(Generation.New, path);
            AssertNothingElse(path, "notes.txt");
            if (!killed)
                break;
        }
    }

    [Fact]
    public void A_file_that_cannot_be_written_leaves_the_old_ones_and_says_so()
    {
        string path = OldWithNotes("target");
        string message = Assert.Throws<IOException>(() => New(path).Write(Names, partial =>
        {
            Newer(partial);
            throw new IOException("No space left on device");
        })).Message;
        Assert.StartsWith($"'{path}' could not be saved and is unchanged; ", message, StringComparison.Ordinal);
        Assert.EndsWith("No space left on device", message, StringComparison.Ordinal);
        AssertIs(Generation.Old, path);
        AssertNothingElse(path, "notes.txt");
    }

    [Fact]
    public void A_new_directory_that_cannot_be_written_leaves_nothing()
    {
        Assert.Throws<ArgumentException>(() => New(Target).Write(Names, partial =>
        {
            Old(partial);
            throw new ArgumentException("unrelated");
        }));
        Assert.Empty(Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public void Files_that_cannot_be_moved_to_their_places_are_not_lost()
    {
        string path = OldWithNotes("target");
        // A directory that is not empty stands where a file is to go.
        File.Delete(Path.Combine(path, "weights"));
        Directory.CreateDirectory(Path.Combine(path, "weights", "below"));
        Exception error = Assert.ThrowsAny<SystemException>(() => New(path).Write(Names, Newer));
        Assert.True(error is IOException or UnauthorizedAccessException);
        Assert.StartsWith($"'{path}' was saved, but its files could not be moved from '.saved' to their places", error.Message, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(path, "weights"), recursive: true);
        New(path).Recover();
        AssertIs(Generation.New, path);
        AssertNothingElse(path, "notes.txt");
    }

    [Fact]
    public void A_file_in_the_directorys_place_is_reported()
    {
        File.WriteAllText(Target, "a file");
        Assert.Contains($"'{Target}' could not be saved and is unchanged", Assert.Throws<IOException>(() => New(Target).Write(Names, Old)).Message, StringComparison.Ordinal);
        Assert.Equal("a file", File.ReadAllText(Target));
        Assert.Equal([Target], Directory.GetFileSystemEntries(_directory.Path));
    }

    [Fact]
    public void Several_readers_recover_at_once()
    {
        for (int round = 0; round < 20; round++)
        {
            string path = OldWithNotes($"target{round}");
            Kill(path, 5, Newer);       // just after it counts
            Parallel.For(0, 8, _ => New(path).Recover());
            AssertIs(Generation.New, path);
            AssertNothingElse(path, "notes.txt");
        }
    }

    private enum Generation
    {
        None,
        Old,
        New,
    }

    private static AtomicDirectory New(string path) => new(path, Last);

    private static void Old(string directory) => Fill(directory, Generation.Old, "head", "weights", Last);

    /// <summary>Without one old file, with one new one.</summary>
    private static void Newer(string directory) => Fill(directory, Generation.New, "extra", "weights", Last);

    private static void Fill(string directory, Generation generation, params string[] names)
    {
        foreach (string name in names)
            AtomicFile.Write(Path.Combine(directory, name), stream => stream.WriteByte((byte)generation));
    }

    private string OldWithNotes(string name)
    {
        string path = _directory.File(name);
        New(path).Write(Names, Old);
        File.WriteAllText(Path.Combine(path, "notes.txt"), "mine");
        return path;
    }

    /// <summary>Writes, but stops dead after so many operations: nothing is tidied up either. False if there were no more.</summary>
    private static bool Kill(string path, int operations, Action<string> write) => Survive(() => new AtomicDirectory(path, Last, () => Count(ref operations)).Write(Names, write));

    private static void Count(ref int operations)
    {
        if (operations-- <= 0)
            throw new KilledException();
    }

    private static bool Survive(Action action)
    {
        try
        {
            action();
            return false;
        }
        catch (KilledException)
        {
            return true;
        }
    }

    /// <summary>What a program sees that does not recover: with the file that it cannot do without, all are of one generation.</summary>
    private static void AssertNoMixture(string path)
    {
        if (File.Exists(Path.Combine(path, Last)))
            Assert.NotEqual(Generation.None, Seen(path));
    }

    private static Generation Seen(string path)
    {
        var files = Names.Where(name => File.Exists(Path.Combine(path, name))).ToDictionary(name => name, name => (Generation)File.ReadAllBytes(Path.Combine(path, name))[0]);
        foreach (var (generation, names) in new[] { (Generation.Old, new[] { "head", "weights", Last }), (Generation.New, ["extra", "weights", Last]) })
        {
            if (files.Keys.ToHashSet().SetEquals(names) && files.Values.All(value => value == generation))
                return generation;
        }
        return Generation.None;
    }

    private static void AssertIs(Generation generation, string path) => Assert.Equal(generation, Seen(path));

    private static void AssertNothingElse(string path, params string[] others)
    {
        Assert.Empty(Directory.GetDirectories(path));
        Assert.Equal(3 + others.Length, Directory.GetFiles(path).Length);
    }

    private sealed class KilledException : Exception;
}
