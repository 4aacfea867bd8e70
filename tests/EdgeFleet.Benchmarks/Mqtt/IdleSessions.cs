using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Mqtt;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Benchmarks.Mqtt;

/// <summary>
/// What a connected session with one subscription and nothing to do costs, measured in a process of its own that holds 200 of
/// them: first over plain TCP, then as many over TLS with a client certificate.
/// </summary>
internal static class IdleSessions
{
    public const string Command = "mqtt-idle-sessions";

    private const int Sessions = 200;

    public static async Task<IReadOnlyList<BenchFigure>> MeasureAsync(CancellationToken cancellationToken)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [typeof(IdleSessions).Assembly.Location, Command]) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        double[] kib = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => double.Parse(line, CultureInfo.InvariantCulture))];
        if (process.ExitCode != 0 || kib.Length != 4)
        {
            throw new InvalidOperationException($"the process with the sessions ended with code {process.ExitCode}: {output}");
        }
        string source = $"{Sessions} connected sessions with a subscription each in one process, after garbage collection, against the same process with one";
        return
        [
            new("idle session, plain: managed memory", kib[0], "KiB", null, true, source),
            new("idle session, plain: resident memory", kib[1], "KiB", null, true, source),
            new("idle session, mutual TLS: managed memory", kib[2], "KiB", null, true, source),
            new("idle session, mutual TLS: resident memory", kib[3], "KiB", null, true, source),
        ];
    }

    /// <summary>The process of its own. Prints managed and resident KiB per session, first plain, then TLS.</summary>
    public static async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using MosquittoBroker plain = await MosquittoBroker.StartAsync();
        await PrintAsync(new MqttSessionOptions { Host = plain.Host, Port = plain.Port, ClientId = "plain" }, cancellationToken);

        using TestCertificateAuthority authority = new();
        using X509Certificate2 certificate = authority.Client("device");
        await using MosquittoBroker secure = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions { Tls = authority });
        await PrintAsync(
            new MqttSessionOptions
            {
                Host = secure.Host,
                Port = secure.Port,
                ClientId = "secure",
                Tls = new MqttTlsOptions { TrustedRoots = authority.Roots, ClientCertificate = () => certificate },
            },
            cancellationToken);
        return 0;
    }

    private static async Task PrintAsync(MqttSessionOptions options, CancellationToken cancellationToken)
    {
        List<MqttSession> sessions = [];
        try
        {
            // The first brings the code with it.
            sessions.Add(await OpenAsync(options with { ClientId = $"{options.ClientId}-first" }, cancellationToken));
            (double managed, double resident) = Memory();
            for (int i = 0; i < Sessions; i++)
            {
                sessions.Add(await OpenAsync(options with { ClientId = $"{options.ClientId}-{i}" }, cancellationToken));
            }
            (double managedAfter, double residentAfter) = Memory();
            Console.WriteLine(((managedAfter - managed) / Sessions).ToString(CultureInfo.InvariantCulture));
            Console.WriteLine(((residentAfter - resident) / Sessions).ToString(CultureInfo.InvariantCulture));
        }
        finally
        {
            foreach (MqttSession session in sessions)
            {
                await session.DisposeAsync();
            }
        }
    }

    private static async Task<MqttSession> OpenAsync(MqttSessionOptions options, CancellationToken cancellationToken)
    {
        MqttSession session = new(options);
        await session.ConnectAsync(cancellationToken);
        await session.SubscribeAsync($"idle/{options.ClientId}", MqttQos.AtLeastOnce, (_, _) => Task.CompletedTask, cancellationToken);
        return session;
    }

    /// <summary>In KiB.</summary>
    private static (double Managed, double Resident) Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using Process self = Process.GetCurrentProcess();
        return (GC.GetTotalMemory(forceFullCollection: true) / 1024.0, self.WorkingSet64 / 1024.0);
    }
}
