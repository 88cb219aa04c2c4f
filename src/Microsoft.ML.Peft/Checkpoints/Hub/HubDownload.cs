using System.Diagnostics;
using System.Net;

namespace Microsoft.ML.Peft.Checkpoints.Hub;

/// <summary>Brings single files into the cache: locked, resumed, watched, checked, and only then visible.</summary>
internal sealed class HubDownload(HubClient client, HubCache cache, HubOptions options)
{
    private const int BufferSize = 1 << 17;
    private const long ReportStep = 1 << 20;
    private const long Ahead = 1 << 20;

    /// <summary>Lets the cache have a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="report">Told now and then how many of its bytes are there.</param>
    /// <param name="cancellationToken">What has arrived by then is kept.</param>
    public async Task RunAsync(HubFile file, Action<long> report, CancellationToken cancellationToken)
    {
        using var held = await cache.LockAsync(file, cancellationToken);
        // While this one waited, another may have brought it.
        if (!cache.Has(file.Commit, file.Name))
        {
            bool isNew = !cache.HasBlob(file);
            if (isNew)
                await DownloadAsync(file, report, cancellationToken);
            cache.Link(file, isNew);
        }
        report(file.Size);
    }

    private async Task DownloadAsync(HubFile file, Action<long> report, CancellationToken cancellationToken)
    {
        bool anew = cache.BytesOf(file) == 0;
        while (true)
        {
            await ReceiveAsync(file, report, cancellationToken);
            if (await HubHash.MatchesAsync(cache.Partial(file), file.Hash, cancellationToken))
            {
                cache.Keep(file);
                return;
            }
            File.Delete(cache.Partial(file));
            if (anew)
                throw HubErrors.WrongHash(file);
            anew = true;   // the fault may lie in what an earlier attempt had left
        }
    }

    /// <summary>All bytes of a file, in as many attempts as it takes while it gets ahead.</summary>
    private async Task ReceiveAsync(HubFile file, Action<long> report, CancellationToken cancellationToken)
    {
        while (true)
        {
            long before = cache.BytesOf(file);
            try
            {
                await client.RetryAsync(async token => await AttemptAsync(file, report, token), cancellationToken);
                return;
            }
            catch (HubUnavailableException e) when (client.MayPass(e) && cache.BytesOf(file) - before >= Ahead)
            {
            }
        }
    }

    private async Task<bool> AttemptAsync(HubFile file, Action<long> report, CancellationToken cancellationToken)
    {
        await using var target = await cache.OpenPartialAsync(file, cancellationToken);
        long have = target.Length <= file.Size ? target.Length : Restart(target);
        if (have < file.Size)
        {
            using var response = await client.OpenAsync(file, have, cancellationToken);
            have = Offset(response, file, target, have);
            await CopyAsync(response, file, target, have, report, cancellationToken);
        }
        Flush(target);
        return true;
    }

    /// <summary>Where the answer's bytes begin.</summary>
    private static long Offset(HttpResponseMessage response, HubFile file, FileStream target, long have)
    {
        var range = response.Content.Headers.ContentRange;
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable || (response.StatusCode == HttpStatusCode.PartialContent && range?.From != have))
        {
            Restart(target);
            throw HubErrors.Broken(file, "the server cannot go on in the middle");
        }
        long? size = response.StatusCode == HttpStatusCode.PartialContent ? range?.Length : response.Content.Headers.ContentLength;
        if (size is { } stated && stated != file.Size)
            throw HubErrors.WrongSize(file, stated);
        return response.StatusCode == HttpStatusCode.PartialContent ? have : Restart(target);
    }

    private async Task CopyAsync(HttpResponseMessage response, HubFile file, FileStream target, long have, Action<long> report, CancellationToken cancellationToken)
    {
        await using var source = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var watch = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        byte[] buffer = new byte[BufferSize];
        var window = Stopwatch.StartNew();
        long inWindow = 0, reported = have;
        target.Position = have;
        while (have < file.Size)
        {
            watch.CancelAfter(options.StallTimeout);
            int count = await ReadAsync(source, buffer, file, watch.Token, cancellationToken);
            if (count == 0)
                throw HubErrors.Broken(file, $"it ended after {have} of {file.Size} bytes");
            if (have + count > file.Size)
                throw HubErrors.WrongSize(file, have + count);
            await WriteAsync(target, buffer.AsMemory(0, count), cancellationToken);
            have += count;
            inWindow += count;
            if (have - reported >= ReportStep)
                report(reported = have);
            if (window.Elapsed < options.RateWindow)
                continue;
            if (inWindow < options.MinimumRate * window.Elapsed.TotalSeconds)
                throw HubErrors.Broken(file, $"the server sends fewer than {options.MinimumRate} bytes a second");
            window.Restart();
            inWindow = 0;
        }
    }

    private static async Task<int> ReadAsync(Stream source, byte[] buffer, HubFile file, CancellationToken watch, CancellationToken cancellationToken)
    {
        try
        {
            return await source.ReadAsync(buffer, watch);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw HubErrors.Broken(file, "the server stopped sending");
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw HubErrors.Broken(file, e.Message, e);
        }
    }

    private static async Task WriteAsync(FileStream target, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await target.WriteAsync(bytes, cancellationToken);
        }
        catch (IOException e)
        {
            throw HubErrors.Unwritable(target.Name, e);
        }
    }

    private static void Flush(FileStream target)
    {
        try
        {
            target.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            throw HubErrors.Unwritable(target.Name, e);
        }
    }

    private static long Restart(FileStream target)
    {
        target.SetLength(0);
        return 0;
    }
}
