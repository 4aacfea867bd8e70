using EdgeFleet.Agent.Content;
using EdgeFleet.Core;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Syncing;

/// <summary>Bundles from the controller, over the channel of the device plane.</summary>
internal sealed class GrpcArtifactSource(ControllerLink link) : IArtifactSource
{
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
    }

    public async Task FetchAsync(Digest digest, long offset, Func<ReadOnlyMemory<byte>, bool> take, CancellationToken cancellationToken)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            using AsyncServerStreamingCall<FetchedChunk> call = link.Channel.CreateCallInvoker().AsyncServerStreamingCall(
                FetchMethod.Instance, null, new CallOptions(cancellationToken: ended.Token), new Wire.FetchRequest { Digest = digest.ToString(), Offset = (ulong)offset });
            while (await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false))
            {
                if (!take(call.ResponseStream.Current.Data))
                {
                    await ended.CancelAsync().ConfigureAwait(false);
                    return;
                }
            }
        }
        catch (RpcException ex) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable($"content {digest.Short}", ex);
        }
    }

    private static ArtifactUnavailableException Unavailable(string what, RpcException ex) => new(
        $"{what}: {ex.StatusCode}: {ex.Status.Detail}",
        linkIsAway: ex.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled,
        ex);
}
