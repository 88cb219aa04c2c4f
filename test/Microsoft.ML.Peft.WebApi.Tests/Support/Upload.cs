using System.IO.Compression;
using System.Net.Http.Headers;

namespace Microsoft.ML.Peft.WebApi.Tests.Support;

/// <summary>Bodies of uploads.</summary>
internal static class Upload
{
    /// <summary>A zip file with the adapter's files.</summary>
    public static ByteArrayContent Zip(string directory, string folder = "") =>
        Zip([.. Directory.EnumerateFiles(directory).Select(file => (folder + Path.GetFileName(file), File.ReadAllBytes(file)))]);

    public static ByteArrayContent Zip(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }
        return Zip(stream.ToArray());
    }

    public static ByteArrayContent Zip(byte[] bytes) => new(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/zip") } };

    /// <summary>The adapter's files as a form.</summary>
    public static MultipartFormDataContent Form(string directory)
    {
        var form = new MultipartFormDataContent();
        foreach (string file in Directory.EnumerateFiles(directory))
            form.Add(new ByteArrayContent(File.ReadAllBytes(file)), "files", Path.GetFileName(file));
        return form;
    }
}
