using System.Text.Json;
using EdgeFleet.Grpc.Tests.Security;

namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>One run of all checks, whose results the tests look at.</summary>
public abstract class ForeignClientRun(PeerLanguage language, bool tls) : IAsyncLifetime
{
    /// <summary>What was wrong, by check; null where nothing was.</summary>
    public IReadOnlyDictionary<string, string?> Problems { get; private set; } = new Dictionary<string, string?>();

    public async Task InitializeAsync()
    {
        using TestCertificates certificates = new("our authority");
        await using ProbeServer server = await ProbeServer.StartAsync(
            grpc: options => options.MaxSendMessageSize = 4_500_000,
            listen: listener =>
            {
                if (tls)
                {
                    listener.Require(certificates);
                }
            });
        string[] transport = tls ? ["--tls", certificates.Folder] : [];
        using PeerProcess client = PeerProcess.Start(language, "probe_client", ["--address", server.Address.Authority, .. transport]);
        string[] lines = await client.ReadToEndAsync();
        Problems = lines.Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(line => line.GetProperty("check").GetString()!, line => line.GetProperty("problem").GetString());
    }

    public Task DisposeAsync() => Task.CompletedTask;
}
