using System.Text.Json;
using EdgeFleet.Grpc.Tests.Security;
using EdgeFleet.Testing;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>One run of all checks, whose results the tests look at.</summary>
public abstract class ForeignClientRun(PeerLanguage language, bool tls) : IAsyncLifetime
{
    /// <summary>What was wrong, by check; null where nothing was.</summary>
    public IReadOnlyDictionary<string, string?> Problems { get; private set; } = new Dictionary<string, string?>();

    public async Task InitializeAsync()
    {
        using TestCertificates certificates = new("our authority");
        using TemporaryFolder folder = new();
        await using ProbeServer server = await ProbeServer.StartAsync(
            kestrel: options => options.ListenUnixSocket(folder["probe.socket"], listener => listener.Protocols = HttpProtocols.Http2),
            grpc: options => options.MaxSendMessageSize = 4_500_000,
            listen: listener =>
            {
                if (tls)
                {
                    listener.Require(certificates);
                }
            });
        string[] transport = tls ? ["--tls", certificates.Folder] : [];
        using PeerProcess client = PeerProcess.Start(language, "probe_client", ["--address", server.Address.Authority, "--unix", folder["probe.socket"], .. transport]);
        string[] lines = await client.ReadToEndAsync();
        Problems = lines.Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(line => line.GetProperty("check").GetString()!, line => line.GetProperty("problem").GetString());
    }

    public Task DisposeAsync() => Task.CompletedTask;
}
