namespace EdgeFleet.Controller.Broker;

/// <summary>Where the broker answers.</summary>
/// <param name="Host">What devices are told.</param>
internal sealed record BrokerEndpoint(string Host, int Port);
