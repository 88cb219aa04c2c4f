using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Security.Cryptography;
using TorchSharp;

namespace Microsoft.ML.Peft.Native;

/// <summary>
/// Lets TorchSharp's native library load on Linux systems with an older libstdc++ (Debian 12, Ubuntu 22.04, RHEL 9).
/// It asks for the symbol version GLIBCXX_3.4.32 but needs nothing from it, so a copy in which that need is weak loads.
/// </summary>
internal static class LibTorch
{
    public const string LibraryName = "LibTorchSharp";
    public const string FileName = "libLibTorchSharp.so";
    public const string VersionNeed = "GLIBCXX_3.4.32";

    /// <summary>The runtime raises the event only after the normal load has failed.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The library must be resolvable before the program's first call into TorchSharp, wherever that call is.")]
    internal static void Register()
    {
        if (OperatingSystem.IsLinux())
        {
            AssemblyLoadContext.GetLoadContext(typeof(torch).Assembly)!.ResolvingUnmanagedDll += Resolve;
        }
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        // 0 leaves the runtime's own error to the caller.
        if (name != LibraryName || Find(FileName) is not { } original || Find("libtorch.so") is not { } torchLibrary)
        {
            return 0;
        }

        try
        {
            byte[] content = File.ReadAllBytes(original);
            // The copy lies elsewhere than libtorch, which it therefore has to find loaded already.
            return ElfImage.WeakenVersionNeed(content, VersionNeed) > 0 && NativeLibrary.TryLoad(torchLibrary, out _)
                ? LoadCopy(content)
                : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static nint LoadCopy(byte[] content)
    {
        string local = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        if (local.Length > 0)
        {
            try
            {
                return Load(Cache(content, Path.Combine(local, "Microsoft.ML.Peft", "native")));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // No place of the user's own, as in a container with a read-only root: a temporary one does.
            }
        }

        // Random and private to the user, because code loaded from a foreseeable path could be planted there by others.
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("Microsoft.ML.Peft-");
        try
        {
            return Load(Cache(content, temporary.FullName));
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static nint Load(string path) => NativeLibrary.TryLoad(path, out nint handle) ? handle : 0;

    /// <summary>The path of a file under <paramref name="directory"/> that holds exactly <paramref name="content"/>, written if need be.</summary>
    internal static string Cache(byte[] content, string directory)
    {
        string folder = Path.Combine(directory, Convert.ToHexStringLower(SHA256.HashData(content))[..16]);
        string path = Path.Combine(folder, FileName);
        if (File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content))
        {
            return path;
        }

        Directory.CreateDirectory(folder);
        string partial = Path.Combine(folder, Path.GetRandomFileName());
        File.WriteAllBytes(partial, content);
        File.Move(partial, path, overwrite: true);
        return path;
    }

    /// <summary>The full path of a native library's file where the runtime would look for it, or null.</summary>
    internal static string? Find(string file)
    {
        string searched = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        string native = Path.Combine("runtimes", $"linux-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}", "native");
        return searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(AppContext.BaseDirectory)
            .Append(Path.Combine(AppContext.BaseDirectory, native))
            .Select(directory => Path.Combine(directory, file))
            .FirstOrDefault(File.Exists);
    }
}
