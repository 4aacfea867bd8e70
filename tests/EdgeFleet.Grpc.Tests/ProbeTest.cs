using EdgeFleet.Probing;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests;

/// <summary>A test with a probe server of our own and a client to it.</summary>
public abstract class ProbeTest : IAsyncLifetime
{
    private protected ProbeServer Server { get; private set; } = null!;

    private protected GrpcChannel Channel { get; private set; } = null!;

    private protected Probe.ProbeClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Server = await StartAsync();
        Channel = Server.Open(Configure);
        Client = new Probe.ProbeClient(Channel);
    }

    public async Task DisposeAsync()
    {
        Channel.Dispose();
        await Server.DisposeAsync();
    }

    private protected virtual Task<ProbeServer> StartAsync() => ProbeServer.StartAsync();

    private protected virtual void Configure(GrpcChannelOptions options)
    {
    }
}
