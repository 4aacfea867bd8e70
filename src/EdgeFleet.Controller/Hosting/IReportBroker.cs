namespace EdgeFleet.Controller.Hosting;

/// <summary>The MQTT broker that devices report to, whoever runs it.</summary>
internal interface IReportBroker : IAsyncDisposable
{
    /// <summary>Completes when the broker takes connections.</summary>
    Task<BrokerEndpoint> StartAsync(CancellationToken cancellationToken);

    /// <summary>Fails when the broker can be kept running no more. Of a broker that someone else runs nothing is known.</summary>
    Task Completion => Task.CompletedTask;

    /// <summary>Takes all rights from a device, also on links that are open. A broker that someone else runs goes by the certificate's end.</summary>
    Task<bool> RevokeAsync(string deviceId, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <summary>Gives a device its rights back.</summary>
    Task<bool> RestoreAsync(string deviceId, CancellationToken cancellationToken) => Task.FromResult(false);
}

/// <param name="Host">What devices are told.</param>
internal sealed record BrokerEndpoint(string Host, int Port);

/// <summary>A broker that someone else runs.</summary>
internal sealed class ExternalBroker(string host, int port) : IReportBroker
{
    public Task<BrokerEndpoint> StartAsync(CancellationToken cancellationToken) => Task.FromResult(new BrokerEndpoint(host, port));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
