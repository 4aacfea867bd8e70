using System.Diagnostics;
using Grpc.Net.Client;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>Enrolments including the request's signature, the certificate and the database's flush, over TLS.</summary>
internal static class EnrollmentBenchmark
{
    private const int Devices = 2000;
    private const int InFlight = 32;
    private const int Connections = 4;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        await using ControllerProcess controller = await ControllerProcess.StartAsync(cancellationToken);
        string token = await controller.CreateTokenAsync(Devices + InFlight, cancellationToken);
        GrpcChannel[] channels = [.. Enumerable.Range(0, Connections).Select(_ => WireDevice.Channel(controller.EnrollUrl, controller.RootPem, null))];
        // Compiled and connected before the clock runs.
        await EnrollAsync(0, InFlight);

        int next = InFlight;
        long began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(async _ =>
        {
            int i;
            while ((i = Interlocked.Increment(ref next)) <= Devices + InFlight)
            {
                await EnrollAsync(i - 1, 1);
            }
        }));
        double perSecond = Devices / Stopwatch.GetElapsedTime(began).TotalSeconds;
        foreach (GrpcChannel channel in channels)
        {
            channel.Dispose();
        }
        return
        [
            new("enrolments including certificate and database", perSecond, "1/s", ">= 300", perSecond >= 300,
                $"{Devices} enrolments, {InFlight} in flight over {Connections} TLS connections; keys and requests are made in the same run on the same machine"),
        ];

        async Task EnrollAsync(int first, int count)
        {
            for (int i = first; i < first + count; i++)
            {
                await using WireDevice device = await WireDevice.EnrollAsync(channels[i % Connections], controller.RootPem, $"bench-{i}", token, cancellationToken);
            }
        }
    }
}
