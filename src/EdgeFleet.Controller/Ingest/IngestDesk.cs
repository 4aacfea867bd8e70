using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Ingest;

/// <summary>
/// Takes one message in: reads it, drops it when it is stored already, stores it with the ledger in one transaction, and tells
/// the device's stream and whoever waits once that is on disk. Returns after the commit; only then may the broker forget it.
/// </summary>
internal sealed partial class IngestDesk(
    Database database, DeviceStreams streams, SignalBoard signals, string tenant, TimeProvider time, ILogger<IngestDesk> log)
{
    private long _taken;
    private long _duplicates;
    private long _quarantined;

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
            await database.WriteAsync("ingest", transaction => Store(transaction, report, topic, payload), cancellationToken);
        }
        catch (PoisonReportException ex)
        {
            LogQuarantined(ReportText.Clean(topic, 200), ex.Message);
            await database.WriteAsync("quarantine", transaction => Quarantine(transaction, topic, payload, ex), cancellationToken);
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
        SequenceOutcome outcome = ledger?.Take(sequenced.Seq) ?? SequenceOutcome.Duplicate;
        if (outcome == SequenceOutcome.New)
        {
            if (sequenced is IncomingReport.Gap gap)
            {
                foreach ((long first, long last) in gap.Dropped)
                {
                    ledger!.Take(first, last);
                }
            }
            Apply(transaction, sequenced, now);
            IngestStore.SaveLedger(transaction, sequenced.Device, sequenced.Boot, ledger!);
            Interlocked.Increment(ref _taken);
        }
        else
        {
            Interlocked.Increment(ref _duplicates);
        }
        // Also for a duplicate: it came because the device did not hear of the first.
        if (ledger is { Contiguous: > 0 and var contiguous })
        {
            transaction.AfterCommit(() => streams.Acked(sequenced.Device, sequenced.Boot, contiguous));
        }
    }

    private void Apply(WriteTransaction transaction, IncomingReport.Sequenced report, long now)
    {
        switch (report)
        {
            case IncomingReport.State state:
                if (IngestStore.PutState(transaction, state, now))
                {
                    Tell(transaction, "", state.Models.Select(model => model.Model));
                }
                break;
            case IncomingReport.Deployment deployment:
                IngestStore.PutDeployment(transaction, deployment, now);
                Tell(transaction, deployment.RolloutId, [deployment.Model]);
                break;
            case IncomingReport.Bench bench:
                IngestStore.PutBench(transaction, bench, now);
                Tell(transaction, bench.RolloutId, []);
                break;
            case IncomingReport.Shadow shadow:
                IngestStore.PutTick(transaction, shadow, now);
                Tell(transaction, shadow.RolloutId, []);
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

    [LoggerMessage(EventId = 2201, Level = LogLevel.Warning, Message = "A message on {Topic} was put aside: {Reason}")]
    private partial void LogQuarantined(string topic, string reason);
}
