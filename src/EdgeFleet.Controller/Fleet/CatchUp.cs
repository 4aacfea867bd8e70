using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Fleet;

/// <summary>What a device says of itself when it opens its stream.</summary>
/// <param name="Released">No report of this incarnation up to here will come any more.</param>
internal sealed record DeviceKnowledge(long Generation, long Epoch, long OutboxBoot, long Released);

/// <summary>
/// Meets a device that knows more than the database, which was restored from a backup made before. Its desired state goes above
/// what it has seen, otherwise it would ignore all that it is told; its ledger goes up to what it has let go of, otherwise the
/// numbers in between would be waited for and nothing after them ever be acknowledged. What it claims moves its own rows alone.
/// </summary>
internal sealed partial class CatchUp(Database database, TimeProvider time, ILogger<CatchUp> log)
{
    private bool _audited;

    public async Task WithAsync(string deviceId, DeviceKnowledge says, CancellationToken cancellationToken)
    {
        if (await database.ReadAsync(session => IsAhead(session, deviceId, says), cancellationToken))
        {
            await database.WriteAsync($"catch up with {deviceId}", transaction => Write(transaction, deviceId, says), cancellationToken);
        }
    }

    private static bool IsAhead(ReadSession session, string deviceId, DeviceKnowledge says) =>
        KnowsMore(DesiredStore.VersionOf(session, deviceId), says) || IngestStore.FindContiguous(session, deviceId, says.OutboxBoot) < says.Released;

    /// <summary>The same generation of two epochs are two different states: each was written by another life of the database.</summary>
    private static bool KnowsMore((long Generation, long Epoch) stored, DeviceKnowledge says) =>
        says.Generation > stored.Generation || says.Epoch > stored.Epoch || (says.Generation == stored.Generation && says.Epoch != stored.Epoch);

    private void Write(WriteTransaction transaction, string deviceId, DeviceKnowledge says)
    {
        (long Generation, long Epoch) stored = DesiredStore.VersionOf(transaction, deviceId);
        if (KnowsMore(stored, says))
        {
            Say(transaction, deviceId, says, stored);
        }
        LetGo(transaction, deviceId, says);
        // Also where only reports are missing: a device that is told a generation says anew what it is.
        DesiredStore.RaiseAbove(transaction, deviceId, says.Generation, says.Epoch);
    }

    private void LetGo(WriteTransaction transaction, string deviceId, DeviceKnowledge says)
    {
        if (IngestStore.LoadLedger(transaction, deviceId, says.OutboxBoot) is not { } ledger || ledger.Contiguous >= says.Released)
        {
            return;
        }
        long first = ledger.Contiguous + 1;
        ledger.Take(first, says.Released);
        IngestStore.SaveLedger(transaction, deviceId, says.OutboxBoot, ledger);
        IngestStore.PutEvent(
            transaction, deviceId, says.OutboxBoot, says.Released, "reports-let-go", $"reports {first} to {says.Released}",
            "the device keeps them no more: a controller whose database is gone acknowledged those that are missing here, or the device declared them dropped", "{}", time.NowMs());
    }

    private void Say(WriteTransaction transaction, string deviceId, DeviceKnowledge says, (long Generation, long Epoch) stored)
    {
        LogOutlived(deviceId, says.Generation, says.Epoch, stored.Generation, stored.Epoch);
        if (!_audited)
        {
            // Once for each start: a device that claims it again and again must not fill the log of acts.
            AuditStore.Append(
                transaction, time.NowMs(), "controller", "database.behind", deviceId,
                $"the device has generation {says.Generation} of epoch {says.Epoch}, the database {stored.Generation} of {stored.Epoch}: it was restored from a backup, and what was decided after that backup is gone");
            transaction.AfterCommit(() => _audited = true);
        }
    }

    [LoggerMessage(EventId = 2103, Level = LogLevel.Warning, Message = "Device {DeviceId} has generation {Known} of epoch {KnownEpoch}, the database {Stored} of {StoredEpoch}: it was restored from a backup. The device is told what the database says, under a generation above its own")]
    private partial void LogOutlived(string deviceId, long known, long knownEpoch, long stored, long storedEpoch);
}
