using EdgeFleet.Core;
using Google.Protobuf;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Support.Controller;

/// <summary>Content by digest, in chunks; a test may put its own way of sending in the place of the right one.</summary>
internal sealed class ScriptedArtifacts : Wire.Artifacts.ArtifactsBase
{
    public const int ChunkBytes = 1000;
    private readonly Dictionary<string, byte[]> _content = [];

    /// <summary>Offsets that were asked for.</summary>
    public List<ulong> Offsets { get; } = [];

    public Func<byte[], Wire.FetchRequest, IServerStreamWriter<Wire.FetchChunk>, ServerCallContext, Task> Send { get; set; } = WholeAsync;

    public Digest Put(byte[] content)
    {
        Digest digest = Digest.Of(content);
        _content[digest.ToString()] = content;
        return digest;
    }

    public override Task<Wire.GetManifestResponse> GetManifest(Wire.GetManifestRequest request, ServerCallContext context) =>
        Task.FromResult(new Wire.GetManifestResponse { Envelope = ByteString.CopyFrom(Find(request.Digest)) });

    public override Task Fetch(Wire.FetchRequest request, IServerStreamWriter<Wire.FetchChunk> responseStream, ServerCallContext context)
    {
        Offsets.Add(request.Offset);
        return Send(Find(request.Digest), request, responseStream, context);
    }

    public static Task WholeAsync(byte[] content, Wire.FetchRequest request, IServerStreamWriter<Wire.FetchChunk> writer, ServerCallContext context) =>
        ChunksAsync(content.AsMemory((int)request.Offset), int.MaxValue, writer);

    public static async Task ChunksAsync(ReadOnlyMemory<byte> rest, int atMost, IServerStreamWriter<Wire.FetchChunk> writer)
    {
        for (int sent = 0; !rest.IsEmpty && sent < atMost; sent++)
        {
            int length = Math.Min(ChunkBytes, rest.Length);
            await writer.WriteAsync(new Wire.FetchChunk { Data = ByteString.CopyFrom(rest.Span[..length]) });
            rest = rest[length..];
        }
    }

    private byte[] Find(string digest) => _content.TryGetValue(digest, out byte[]? content)
        ? content
        : throw new RpcException(new Status(StatusCode.NotFound, $"'{digest}' is not published"));
}
