namespace EdgeFleet.Controller.Hosting;

/// <summary>The MQTT broker that devices report to, whoever runs it.</summary>
internal interface IReportBroker : IAsyncDisposable
{
    /// <summary>Completes when the broker takes connections.</summary>
    Task<BrokerEndpoint> StartAsync(CancellationToken cancellationToken);
}

/// <param name="Host">What devices are told.</param>
internal sealed record BrokerEndpoint(string Host, int Port);

/// <summary>A broker that someone else runs.</summary>
internal sealed class ExternalBroker(string host, int port) : IReportBroker
{
    public Task<BrokerEndpoint> StartAsync(CancellationToken cancellationToken) => Task.FromResult(new BrokerEndpoint(host, port));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
