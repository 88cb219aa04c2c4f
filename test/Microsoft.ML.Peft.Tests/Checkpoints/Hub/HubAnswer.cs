using System.Globalization;
using System.Text;

namespace Microsoft.ML.Peft.Tests.Checkpoints.Hub;

/// <summary>What a <see cref="HubServer"/> sends, and how badly.</summary>
internal sealed record HubAnswer(int Code, IReadOnlyList<(string Name, string Value)> Headers, byte[] Body)
{
    /// <summary>The connection closes after so many bytes of the body.</summary>
    public int CutAfter { get; init; } = int.MaxValue;

    /// <summary>After so many bytes nothing more comes, and the connection stays open.</summary>
    public int StallAfter { get; init; } = int.MaxValue;

    /// <summary>The body comes byte for byte with these waits.</summary>
    public TimeSpan? Trickle { get; init; }

    /// <summary>False to let the client see the end by the closing of the connection alone.</summary>
    public bool StatesLength { get; init; } = true;

    public static HubAnswer Status(int code, params (string Name, string Value)[] headers) => new(code, headers, []);

    /// <summary>A file, or its end where the request asks for that.</summary>
    public static HubAnswer Content(byte[] content, HubRequest request, params (string Name, string Value)[] headers)
    {
        if (request.From is not { } from)
            return new HubAnswer(200, headers, content);
        return from < content.Length
            ? new HubAnswer(206, [.. headers, ("Content-Range", $"bytes {from}-{content.Length - 1}/{content.Length}")], content[from..])
            : Status(416, ("Content-Range", $"bytes */{content.Length}"));
    }

    public async Task SendAsync(Stream stream, bool headOnly, CancellationToken cancellationToken)
    {
        var head = new StringBuilder($"HTTP/1.1 {Code} Scripted\r\nConnection: close\r\n");
        if (StatesLength)
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}\r\n");
        foreach (var (name, value) in Headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{head}\r\n"), cancellationToken);
        if (headOnly)
            return;
        if (Trickle is { } wait)
        {
            foreach (byte one in Body)
            {
                await stream.WriteAsync(new[] { one }, cancellationToken);
                await Task.Delay(wait, cancellationToken);
            }
            return;
        }
        await stream.WriteAsync(Body.AsMemory(0, Math.Min(Body.Length, Math.Min(CutAfter, StallAfter))), cancellationToken);
        if (StallAfter < Body.Length)
            await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
