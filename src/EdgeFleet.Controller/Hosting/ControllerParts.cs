using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>What tests put in the place of the world.</summary>
internal sealed record ControllerParts
{
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public IWriteObserver? Observer { get; init; }
    /// <summary>Writes that share a transaction; a test that cuts at each of them wants one.</summary>
    public int MaximumBatch { get; init; } = 512;
    /// <summary>Null makes the one that the options ask for.</summary>
    public IReportBroker? Broker { get; init; }
    /// <summary>No broker and no session: reports are handed to the ingest by the test.</summary>
    public bool WithoutBroker { get; init; }
    public Action<ILoggingBuilder>? Logging { get; init; }
}
