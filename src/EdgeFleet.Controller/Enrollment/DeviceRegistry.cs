using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Enrollment;

internal abstract record RegistryOutcome
{
    private RegistryOutcome() { }

    public sealed record Done : RegistryOutcome;

    public sealed record Unknown : RegistryOutcome;

    public sealed record Conflict(string Reason) : RegistryOutcome;
}

/// <summary>
/// What operators decide about devices. The database is the authority; streams and the broker follow it, also where whoever
/// asked has hung up meanwhile: what is committed is carried out.
/// </summary>
internal sealed partial class DeviceRegistry(
    Database database, Assignments assignments, DeviceStreams streams, MetricBoard metrics, TimeProvider time, ILogger<DeviceRegistry> log)
{
    private static readonly RegistryOutcome s_done = new RegistryOutcome.Done();
    private static readonly RegistryOutcome s_unknown = new RegistryOutcome.Unknown();

    /// <summary>Known once it is started; null where a test runs without one.</summary>
    public IReportBroker? Broker { get; set; }

    /// <summary>Lets a device in. Approving twice is no error; a revoked device does not come back this way.</summary>
    public Task<RegistryOutcome> ApproveAsync(string id, string actor, CancellationToken cancellationToken) => database.WriteAsync(
        $"approve {id}",
        transaction =>
        {
            if (DeviceStore.Find(transaction, id) is not { } device)
            {
                return s_unknown;
            }
            if (DeviceStore.Approve(transaction, id, time.NowMs()))
            {
                assignments.ApplyTo(transaction, device);
                AuditStore.Append(transaction, time.NowMs(), actor, "device.approved", id, device.HardwareClass);
                return s_done;
            }
            return device.State == DeviceStates.Active ? s_done : new RegistryOutcome.Conflict($"device '{id}' is {device.State}; remove it ('edgefleet device remove {id}') and enrol it again");
        },
        cancellationToken);

    /// <summary>Shuts a device out: its calls from the next one on, its stream now, and its topics.</summary>
    public async Task<RegistryOutcome> RevokeAsync(string id, string reason, string actor, CancellationToken cancellationToken)
    {
        RegistryOutcome outcome = await database.WriteAsync(
            $"revoke {id}",
            transaction =>
            {
                if (DeviceStore.Find(transaction, id) is null)
                {
                    return s_unknown;
                }
                if (DeviceStore.Revoke(transaction, id, reason, time.NowMs()))
                {
                    AuditStore.Append(transaction, time.NowMs(), actor, "device.revoked", id, reason);
                    transaction.AfterCommit(() => streams.ShutOut(id));
                }
                return s_done;
            },
            cancellationToken);
        if (outcome is RegistryOutcome.Done && Broker is { } broker && !await broker.RevokeAsync(id, CancellationToken.None))
        {
            // Ingest drops what a revoked device says in any case; what it loses here is the right to say it.
            LogBrokerNotTold(id);
        }
        return outcome;
    }

    /// <summary>Takes a device that was revoked, or never approved, out of the registry, so that its name may enrol again.</summary>
    public async Task<RegistryOutcome> RemoveAsync(string id, string actor, CancellationToken cancellationToken)
    {
        RegistryOutcome outcome = await database.WriteAsync(
            $"remove {id}",
            transaction =>
            {
                DeviceRow? device = DeviceStore.Find(transaction, id);
                if (device is null)
                {
                    return s_unknown;
                }
                if (device.State == DeviceStates.Active)
                {
                    return new RegistryOutcome.Conflict($"device '{id}' is {device.State}; revoke it first ('edgefleet device revoke {id} --reason …')");
                }
                DeviceStore.Remove(transaction, id);
                AuditStore.Append(transaction, time.NowMs(), actor, "device.removed", id, device.State == DeviceStates.Pending ? "never approved" : device.RevokedReason ?? "");
                return s_done;
            },
            cancellationToken);
        metrics.Forget(id);
        if (outcome is RegistryOutcome.Done && Broker is { } broker)
        {
            await broker.RestoreAsync(id, CancellationToken.None);
        }
        return outcome;
    }

    [LoggerMessage(EventId = 2021, Level = LogLevel.Warning, Message = "The broker did not confirm that {DeviceId} is shut out; its messages are dropped here")]
    private partial void LogBrokerNotTold(string deviceId);
}
