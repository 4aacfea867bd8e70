using System.Diagnostics;
using System.Globalization;
using System.Net;
using EdgeFleet.Protocol.V1;
using Grpc.Core;
using Grpc.Net.Client;

namespace EdgeFleet.Benchmarks.Grpc;

/// <summary>
/// How much of a plain HTTP/2 download is left when the same bytes come as messages of a gRPC stream, with generated code at
/// both ends. Server and client are two processes, as they are in a fleet. The two kinds take turns within one run, since the
/// speed of a shared machine changes more between runs than they differ.
/// </summary>
public static class GrpcStreamBenchmark
{
    private const int Rounds = 7;
    private const long Bytes = 1L << 30;
    private const long WarmUpBytes = 128L << 20;
    private const int UnaryCalls = 10_000;
    private const double Target = 0.75;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("dotnet", [typeof(GrpcStreamBenchmark).Assembly.Location, StreamServer.Command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using Process server = Process.Start(start)!;
        try
        {
            Uri address = new(await server.StandardOutput.ReadLineAsync(cancellationToken)
                ?? throw new InvalidOperationException($"the stream server ended with code {server.ExitCode}"));
            return await MeasureAsync(address, cancellationToken);
        }
        finally
        {
            server.StandardInput.Close();
            await server.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task<IReadOnlyList<BenchFigure>> MeasureAsync(Uri address, CancellationToken cancellationToken)
    {
        // One handler carries both, so that windows and buffers are the same.
        using SocketsHttpHandler handler = new() { UseProxy = false };
        using GrpcChannel channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions { HttpHandler = handler });
        using HttpMessageInvoker http = new(handler, disposeHandler: false);
        Artifacts.ArtifactsClient client = new(channel);

        await PlainAsync(http, address, WarmUpBytes, cancellationToken);
        await StreamAsync(client, WarmUpBytes, cancellationToken);
        List<double> plain = [], stream = [], ratios = [], unary = [];
        for (int round = 0; round < Rounds; round++)
        {
            // Whoever goes first finds the caches of the other, so they swap.
            double plainSpeed = 0;
            if (round % 2 == 0)
            {
                plainSpeed = await PlainAsync(http, address, Bytes, cancellationToken);
            }

            double streamSpeed = await StreamAsync(client, Bytes, cancellationToken);
            if (round % 2 != 0)
            {
                plainSpeed = await PlainAsync(http, address, Bytes, cancellationToken);
            }

            plain.Add(plainSpeed);
            stream.Add(streamSpeed);
            ratios.Add(streamSpeed / plainSpeed);
            unary.Add(await UnaryAsync(client, cancellationToken));
        }

        string source = $"median of {Rounds} rounds taken in turns, 1 GiB in {StreamServer.ChunkBytes / 1024} KiB messages, h2c on loopback, "
            + "generated code at both ends, server and client in two processes";
        double ratio = Median(ratios);
        return
        [
            new("grpc server stream / plain HTTP/2 download", ratio, "ratio", $">= {Target.ToString(CultureInfo.InvariantCulture)}", ratio >= Target, source),
            new("grpc server stream / plain HTTP/2 download, worst round", ratios.Min(), "ratio", null, true, source),
            new("grpc server stream", Median(stream), "MiB/s", null, true, source),
            new("plain HTTP/2 download", Median(plain), "MiB/s", null, true, source),
            new("grpc unary calls, one after the other", Median(unary), "1/s", null, true, $"median of {Rounds} rounds of {UnaryCalls} empty calls, h2c on loopback"),
        ];
    }

    private static async Task<double> PlainAsync(HttpMessageInvoker http, Uri address, long bytes, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[StreamServer.ChunkBytes];
        long begun = Stopwatch.GetTimestamp();
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(address, $"/bytes/{bytes}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await http.SendAsync(request, cancellationToken);
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
        long received = 0;
        for (int read = -1; read != 0; received += read)
        {
            read = await body.ReadAsync(buffer, cancellationToken);
        }

        return Speed(begun, received, bytes);
    }

    private static async Task<double> StreamAsync(Artifacts.ArtifactsClient client, long bytes, CancellationToken cancellationToken)
    {
        long begun = Stopwatch.GetTimestamp();
        using var call = client.Fetch(new FetchRequest { Length = (ulong)bytes }, cancellationToken: cancellationToken);
        long received = 0;
        while (await call.ResponseStream.MoveNext(CancellationToken.None))
        {
            received += call.ResponseStream.Current.Data.Length;
        }

        return Speed(begun, received, bytes);
    }

    private static async Task<double> UnaryAsync(Artifacts.ArtifactsClient client, CancellationToken cancellationToken)
    {
        GetManifestRequest request = new();
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < UnaryCalls; i++)
        {
            using var call = client.GetManifestAsync(request, cancellationToken: cancellationToken);
            await call;
        }

        return UnaryCalls / Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static double Speed(long begun, long received, long expected) => received == expected
        ? received / 1048576.0 / Stopwatch.GetElapsedTime(begun).TotalSeconds
        : throw new InvalidOperationException($"received {received} of {expected} bytes");

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
