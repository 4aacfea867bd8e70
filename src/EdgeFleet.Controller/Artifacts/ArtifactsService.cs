using System.Buffers;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using Google.Protobuf;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Artifacts;

/// <summary>Bundles for devices: manifests and ranges of files, of what the caller's desired state names and nothing else.</summary>
internal sealed class ArtifactsService(DeviceCaller caller, Database database, ContentStore content) : Wire.Artifacts.ArtifactsBase
{
    // Below 85,000 bytes, so that chunks stay out of the large object heap at both ends.
    private const int ChunkBytes = 64 * 1024;

    public override async Task<Wire.GetManifestResponse> GetManifest(Wire.GetManifestRequest request, ServerCallContext context)
    {
        string deviceId = await caller.RequireAsync(context);
        Digest digest = Parse(request.Digest);
        ArtifactRow? row = await database.ReadAsync(
            session => DesiredStore.Names(session, deviceId, digest.ToString()) ? ArtifactStore.Find(session, digest.ToString()) : null, context.CancellationToken);
        return row is not null
            ? new Wire.GetManifestResponse { Envelope = UnsafeByteOperations.UnsafeWrap(row.Envelope) }
            : throw new RpcException(new Status(StatusCode.NotFound, $"artifact {digest} is not in the desired state of device '{deviceId}'"));
    }

    public override async Task Fetch(Wire.FetchRequest request, IServerStreamWriter<Wire.FetchChunk> responseStream, ServerCallContext context)
    {
        string deviceId = await caller.RequireAsync(context);
        Digest digest = Parse(request.Digest);
        bool allowed = await database.ReadAsync(session => DesiredStore.NamesContent(session, deviceId, digest.ToString()), context.CancellationToken);
        if (!allowed || content.SizeOf(digest) is not { } size)
        {
            throw new RpcException(new Status(StatusCode.NotFound, $"content {digest} belongs to nothing in the desired state of device '{deviceId}'"));
        }
        if (request.Offset > (ulong)size || request.Length > (ulong)size - request.Offset)
        {
            throw new RpcException(new Status(StatusCode.OutOfRange, $"content {digest} has {size} bytes; asked for {request.Length} from {request.Offset}"));
        }

        long remaining = request.Length == 0 ? size - (long)request.Offset : (long)request.Length;
        await using FileStream file = content.Open(digest);
        file.Seek((long)request.Offset, SeekOrigin.Begin);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            while (remaining > 0)
            {
                int wanted = (int)Math.Min(ChunkBytes, remaining);
                int read = await file.ReadAtLeastAsync(buffer.AsMemory(0, wanted), wanted, throwOnEndOfStream: false, context.CancellationToken);
                if (read < wanted)
                {
                    throw new RpcException(new Status(StatusCode.DataLoss, $"content {digest} ends {remaining - read} bytes early on the controller's disk"));
                }
                // The buffer is free again when the write has completed: the message was serialised by then.
                await responseStream.WriteAsync(new Wire.FetchChunk { Data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, read)) }, context.CancellationToken);
                remaining -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static Digest Parse(string text) => Digest.TryParse(text, out Digest digest)
        ? digest
        : throw new RpcException(new Status(StatusCode.InvalidArgument, $"'{text}' is not a digest"));
}
