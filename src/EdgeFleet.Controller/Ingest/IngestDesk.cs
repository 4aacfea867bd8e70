using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Ingest;

/// <summary>
/// Takes one message in: reads it, drops it when it is stored already, stores it with the ledger in one transaction, and tells
/// the device's stream and whoever waits once that is on disk. Returns after the commit; only then may the broker forget it.
/// </summary>
internal sealed partial class IngestDesk(
    Database database, DeviceStreams streams, SignalBoard signals, MetricBoard metrics, string tenant, TimeProvider time, ILogger<IngestDesk> log)
{
    private const string NotOrdered = "not-ordered";
    private readonly BackToAssignment _back = new(new DesiredWriter(streams));
    private long _taken;
    private long _duplicates;
    private long _quarantined;
    private long _disregarded;

    public (long Taken, long Duplicates, long Quarantined) Counters =>
        (Interlocked.Read(ref _taken), Interlocked.Read(ref _duplicates), Interlocked.Read(ref _quarantined));

    public async Task TakeAsync(string topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (payload.IsEmpty)
        {
            // A retained topic was cleared.
            return;
        }
        try
        {
            IncomingReport report = ReportDecoder.Decode(tenant, topic, payload.Span);
            if (report is IncomingReport.Metric metric)
            {
                await TakeAsync(metric, cancellationToken);
                return;
            }
            await database.WriteAsync("ingest", transaction => Store(transaction, report, topic, payload), cancellationToken);
        }
        catch (PoisonReportException ex)
        {
            LogQuarantined(ReportText.Clean(topic, 200), ex.Message);
            await database.WriteAsync("quarantine", transaction => Quarantine(transaction, topic, payload, ex), cancellationToken);
        }
    }

    /// <summary>Only of devices that belong to the fleet: what strangers say must not fill the memory.</summary>
    private async Task TakeAsync(IncomingReport.Metric metric, CancellationToken cancellationToken)
    {
        if (await database.ReadAsync(session => DeviceStore.Find(session, metric.Device)?.State, cancellationToken) == DeviceStates.Active)
        {
            metrics.Put(metric, time.GetUtcNow());
        }
    }

    private void Store(WriteTransaction transaction, IncomingReport report, string topic, ReadOnlyMemory<byte> payload)
    {
        long now = time.NowMs();
        string? state = IngestStore.FindDeviceState(transaction, report.Device);
        if (state != DeviceStates.Active)
        {
            if (state is null)
            {
                // The broker lets only certificates of our authority in, so this is a device that was removed, or a broker that is open.
                QuarantineStore.Put(transaction, topic, $"device '{report.Device}' is not known", payload.ToArray(), now);
                Interlocked.Increment(ref _quarantined);
            }
            return;
        }
        if (report is IncomingReport.Presence presence)
        {
            DeviceStore.SetPresence(transaction, presence.Device, presence.Epoch, presence.Online, presence.AgentVersion, now);
            return;
        }

        IncomingReport.Sequenced sequenced = (IncomingReport.Sequenced)report;
        SequenceLedger? ledger = IngestStore.LoadLedger(transaction, sequenced.Device, sequenced.Boot);
        // A forgotten incarnation of the outbox has no ledger: taken, and thrown away.
        switch (ledger is null ? SequenceOutcome.Duplicate : Take(ledger, sequenced))
        {
            case SequenceOutcome.New:
                Apply(transaction, sequenced, now);
                IngestStore.SaveLedger(transaction, sequenced.Device, sequenced.Boot, ledger!);
                Interlocked.Increment(ref _taken);
                break;
            case SequenceOutcome.Duplicate:
                Interlocked.Increment(ref _duplicates);
                break;
            case SequenceOutcome.TooScattered:
                // So many are missing before it that there is no room to remember it by. It stays in the device's outbox, which
                // sends everything again from the first that is missing; what a gap has filled by then makes room.
                IngestStore.SaveLedger(transaction, sequenced.Device, sequenced.Boot, ledger!);
                LogTooScattered(sequenced.Device, sequenced.Seq, ledger!.Contiguous);
                break;
        }
        // Also for a duplicate: it came because the device did not hear of the first.
        if (ledger is { Contiguous: > 0 and var contiguous })
        {
            transaction.AfterCommit(() => streams.Acked(sequenced.Device, sequenced.Boot, contiguous));
        }
    }

    /// <summary>
    /// What a gap declares is taken before its own number: it fills the holes, and only so is there room for the rest. The gap
    /// counts as seen when all that it declares is remembered, otherwise nobody would ever fill what is left.
    /// </summary>
    private static SequenceOutcome Take(SequenceLedger ledger, IncomingReport.Sequenced report)
    {
        bool remembered = true;
        foreach ((long first, long last) in report is IncomingReport.Gap gap ? gap.Dropped.Order() : Enumerable.Empty<(long, long)>())
        {
            remembered &= ledger.Take(first, last) != SequenceOutcome.TooScattered;
        }
        return remembered ? ledger.Take(report.Seq) : SequenceOutcome.TooScattered;
    }

    private void Apply(WriteTransaction transaction, IncomingReport.Sequenced report, long now)
    {
        switch (report)
        {
            case IncomingReport.State state:
                if (IngestStore.PutState(transaction, state, now))
                {
                    foreach (ModelState model in state.Models)
                    {
                        if (model.Active is { } active)
                        {
                            _back.AtReport(transaction, state.Device, model.Model, active.ToString(), state.Generation);
                        }
                    }
                    Tell(transaction, "", state.Models.Select(model => model.Model));
                }
                break;
            case IncomingReport.Deployment deployment:
                if (OrderStore.IsOrdered(transaction, deployment.Device, deployment.RolloutId, deployment.Attempt, deployment.Model, deployment.Digest)
                    || OrderStore.MayBeItsOwn(transaction, deployment))
                {
                    IngestStore.PutDeployment(transaction, deployment, now);
                    Tell(transaction, deployment.RolloutId, [deployment.Model]);
                }
                else
                {
                    Disregard(transaction, report, "deployment", deployment.RolloutId, deployment.Attempt, deployment.Model, deployment.Digest, now);
                }
                break;
            case IncomingReport.Bench bench:
                if (OrderStore.IsOrdered(transaction, bench.Device, bench.RolloutId, bench.Attempt, bench.Model, bench.Digest))
                {
                    IngestStore.PutBench(transaction, bench, now);
                    Tell(transaction, bench.RolloutId, []);
                }
                else
                {
                    Disregard(transaction, report, "bench", bench.RolloutId, bench.Attempt, bench.Model, bench.Digest, now);
                }
                break;
            case IncomingReport.Shadow shadow:
                if (OrderStore.IsOrdered(transaction, shadow.Device, shadow.RolloutId, shadow.Attempt, shadow.Model, shadow.Digest))
                {
                    IngestStore.PutTick(transaction, shadow, now);
                    Tell(transaction, shadow.RolloutId, []);
                }
                else
                {
                    Disregard(transaction, report, "shadow", shadow.RolloutId, shadow.Attempt, shadow.Model, shadow.Digest, now);
                }
                break;
            case IncomingReport.Event e:
                IngestStore.PutEvent(transaction, e, now);
                break;
            case IncomingReport.Gap gap:
                string ranges = string.Join(", ", gap.Dropped.Take(16).Select(range => $"{range.First}-{range.Last}"));
                IngestStore.PutEvent(transaction, gap.Device, gap.Boot, gap.Seq, "gap", gap.Reason, ranges, "{}", now);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>
    /// Evidence of what nobody ordered: acknowledged, so that the device lets go of it, and not stored. Said once for each
    /// thing that it speaks of; a device that goes on and on pushes out its own older events and nothing else.
    /// </summary>
    private void Disregard(WriteTransaction transaction, IncomingReport.Sequenced report, string kind, string rolloutId, int attempt, string model, Digest digest, long now)
    {
        string subject = $"{kind} of {model} {digest.Short}, rollout '{rolloutId}', attempt {attempt}";
        if (!IngestStore.HasEvent(transaction, report.Device, NotOrdered, subject))
        {
            LogNotOrdered(report.Device, subject);
            IngestStore.PutEvent(
                transaction, report.Device, report.Boot, report.Seq, NotOrdered, subject,
                "this controller never told the device to do that, or its rollout ended long ago; what it says of it is not kept", "{}", now);
        }
        Interlocked.Increment(ref _disregarded);
    }

    private void Tell(WriteTransaction transaction, string rolloutId, IEnumerable<string> models)
    {
        string[] names = [.. models];
        transaction.AfterCommit(() =>
        {
            if (rolloutId.Length > 0)
            {
                signals.Notify(SignalBoard.Rollout(rolloutId));
            }
            foreach (string model in names)
            {
                signals.Notify(SignalBoard.Model(model));
                signals.Notify(SignalBoard.Rollback(model));
            }
        });
    }

    private void Quarantine(WriteTransaction transaction, string topic, ReadOnlyMemory<byte> payload, PoisonReportException poison)
    {
        QuarantineStore.Put(transaction, ReportText.Clean(topic, 200), poison.Message, payload.ToArray(), time.NowMs());
        Interlocked.Increment(ref _quarantined);
        if (poison.Device is { } device && IngestStore.FindDeviceState(transaction, device) == DeviceStates.Active
            && IngestStore.LoadLedger(transaction, device, poison.Boot) is { } ledger)
        {
            if (ledger.Take(poison.Seq) == SequenceOutcome.New)
            {
                IngestStore.SaveLedger(transaction, device, poison.Boot, ledger);
            }
            long contiguous = ledger.Contiguous;
            transaction.AfterCommit(() => streams.Acked(device, poison.Boot, contiguous));
        }
    }

    [LoggerMessage(EventId = 2202, Level = LogLevel.Debug, Message = "Report {Seq} of {DeviceId} comes too far ahead of {Contiguous}; it is taken when the device sends it again")]
    private partial void LogTooScattered(string deviceId, long seq, long contiguous);

    [LoggerMessage(EventId = 2203, Level = LogLevel.Warning, Message = "Device {DeviceId} reports what it was never told to do: {Subject}; it is not kept")]
    private partial void LogNotOrdered(string deviceId, string subject);

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "A message on {Topic} was put aside: {Reason}")]
    private partial void LogQuarantined(string topic, string reason);
}
