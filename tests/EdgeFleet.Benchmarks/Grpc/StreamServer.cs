using System.Globalization;
using System.Net;
using EdgeFleet.Protocol.V1;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Benchmarks.Grpc;

/// <summary>
/// The other process of <see cref="GrpcStreamBenchmark"/>: gives the same bytes as a gRPC stream and as an HTTP/2 response.
/// Prints its address and ends with its standard input.
/// </summary>
internal static class StreamServer
{
    public const string Command = "grpc-stream-server";

    public const int ChunkBytes = 64 * 1024;

    public static async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http2));
        await using WebApplication app = builder.Build();
        byte[] chunk = new byte[ChunkBytes];
        Random.Shared.NextBytes(chunk);
        app.MapGrpcService(Artifacts.BindService(new ChunkService(chunk)));
        app.MapGet("/bytes/{length}", (string length, HttpContext http) => SendAsync(http, chunk, long.Parse(length, CultureInfo.InvariantCulture)));
        await app.StartAsync(cancellationToken);
        Console.WriteLine(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        await Console.In.ReadToEndAsync(cancellationToken);
        return 0;
    }

    private static async Task SendAsync(HttpContext http, byte[] chunk, long length)
    {
        http.Response.ContentLength = length;
        for (long sent = 0; sent < length; sent += chunk.Length)
        {
            await http.Response.BodyWriter.WriteAsync(chunk.AsMemory(0, (int)Math.Min(chunk.Length, length - sent)), http.RequestAborted);
        }
    }

    private sealed class ChunkService(byte[] chunk) : Artifacts.ArtifactsBase
    {
        private readonly FetchChunk _message = new() { Data = UnsafeByteOperations.UnsafeWrap(chunk) };

        public override async Task Fetch(FetchRequest request, IServerStreamWriter<FetchChunk> responseStream, ServerCallContext context)
        {
            for (ulong sent = 0; sent < request.Length; sent += (ulong)chunk.Length)
            {
                await responseStream.WriteAsync(_message, context.CancellationToken);
            }
        }

        public override Task<GetManifestResponse> GetManifest(GetManifestRequest request, ServerCallContext context) =>
            Task.FromResult(new GetManifestResponse());
    }
}
