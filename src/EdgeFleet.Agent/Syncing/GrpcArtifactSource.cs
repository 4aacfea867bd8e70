using EdgeFleet.Agent.Content;
using EdgeFleet.Core;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Syncing;

/// <summary>Bundles from the controller, over the channel of the device plane.</summary>
internal sealed class GrpcArtifactSource(ControllerLink link, TimeProvider time) : IArtifactSource
{
    public static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_rearmAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_manifestLimit = TimeSpan.FromSeconds(30);

    public async Task<byte[]> GetManifestAsync(Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            Wire.GetManifestResponse response = await new Wire.Artifacts.ArtifactsClient(link.Channel).GetManifestAsync(
                new Wire.GetManifestRequest { Digest = digest.ToString() },
                deadline: DateTime.UtcNow + s_manifestLimit, cancellationToken: cancellationToken).ConfigureAwait(false);
            return response.Envelope.ToByteArray();
        }
        catch (RpcException ex) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable($"manifest {digest.Short}", ex);
        }
        catch (ObjectDisposedException ex)
        {
            throw Replaced($"manifest {digest.Short}", ex);
        }
    }

    public async Task FetchAsync(Digest digest, long offset, Func<ReadOnlyMemory<byte>, bool> take, CancellationToken cancellationToken)
    {
        // Only bytes are progress: a source that is silent, or that sends chunks with nothing in them, is given up.
        using CancellationTokenSource stalled = new(StallLimit, time);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stalled.Token);
        try
        {
            using AsyncServerStreamingCall<FetchedChunk> call = link.Channel.CreateCallInvoker().AsyncServerStreamingCall(
                FetchMethod.Instance, null, new CallOptions(cancellationToken: ended.Token), new Wire.FetchRequest { Digest = digest.ToString(), Offset = (ulong)offset });
            long armedAt = time.GetTimestamp();
            while (await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false))
            {
                ReadOnlyMemory<byte> data = call.ResponseStream.Current.Data;
                if (!take(data))
                {
                    return;
                }
                if (!data.IsEmpty && time.GetElapsedTime(armedAt) > s_rearmAfter)
                {
                    stalled.CancelAfter(StallLimit);
                    armedAt = time.GetTimestamp();
                }
            }
        }
        catch (Exception ex) when (ex is RpcException or OperationCanceledException && stalled.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ArtifactUnavailableException($"content {digest.Short}: no byte for {StallLimit.TotalSeconds:0} s", linkIsAway: false, ex);
        }
        catch (RpcException ex) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable($"content {digest.Short}", ex);
        }
        catch (ObjectDisposedException ex)
        {
            throw Replaced($"content {digest.Short}", ex);
        }
    }

    /// <summary>The certificate was renewed at this very moment; the new channel takes the next attempt.</summary>
    private static ArtifactUnavailableException Replaced(string what, ObjectDisposedException ex) => new($"{what}: the channel was replaced", linkIsAway: true, ex);

    private static ArtifactUnavailableException Unavailable(string what, RpcException ex) => new(
        $"{what}: {ex.StatusCode}: {ex.Status.Detail}",
        linkIsAway: ex.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled,
        ex);
}
