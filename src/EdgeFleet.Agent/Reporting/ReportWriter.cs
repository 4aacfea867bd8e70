using System.Collections.Concurrent;
using System.Text.Json;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Core;
using EdgeFleet.Core.Devices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Protocol;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>
/// Says in the wire's words what happened here, into the outbox. Evidence is on disk when a method returns. What a device is
/// (its phases, its slots) is true whether or not it is said: where the disk does not take that, it is owed and said later.
/// </summary>
internal sealed partial class ReportWriter(
    Outbox outbox, Topics topics, SlotTable slots, IDeviceFacts facts, Func<long> generation, IReadOnlyDictionary<string, string> labels, TimeProvider time,
    ILogger<ReportWriter> log)
{
    /// <summary>Topics; a device has one for itself and one for each deployment that ended while its disk took nothing.</summary>
    private const int MostOwed = 64;
    /// <summary>One sentence for a person; what a runtime or a server wrote into it may be any length.</summary>
    private const int LongestDetail = 4096;

    /// <summary>Whose signature lets an artifact run here.</summary>
    public IReadOnlyCollection<string> ReleaseKeyIds { get; init; } = [];

    private readonly ConcurrentDictionary<string, (Digest Digest, DateTimeOffset Since)> _servingSince = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly OrderedDictionary<string, IMessage> _owed = new(StringComparer.Ordinal);
    private readonly Backoff _retry = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1), Random.Shared);
    private TaskCompletionSource _owes = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the reported state says of the runner.</summary>
    public Wire.Runner Runner { get; set; }

    public void Deployment(DeploymentRecord record)
    {
        Wire.DeploymentReport report = new()
        {
            Model = record.Model,
            Digest = record.Digest.ToString(),
            RolloutId = record.RolloutId,
            Attempt = (uint)record.Attempt,
            Generation = (ulong)record.Generation,
            Phase = PhaseMapping.ToWire(record.Phase),
            Code = record.Code,
            Detail = record.Detail.Length <= LongestDetail ? record.Detail : record.Detail[..LongestDetail],
            Invariant = record.Invariant,
            HardwareClass = facts.Read().ClassId,
        };
        if (record.Probation is { } probation)
        {
            report.Probation = Json(probation, EvidenceJsonContext.Default.ProbationEvidence);
        }
        Say(topics.Deployment(record.Id), report);
    }

    public void Bench(DeploymentRecord record, Digest baseline, string hardwareClass, BenchEvidence evidence) =>
        Put(ReportClass.State, topics.Bench(record.Digest), retain: false, new Wire.BenchReport
        {
            Model = record.Model,
            Digest = record.Digest.ToString(),
            BaselineDigest = baseline.ToString(),
            RolloutId = record.RolloutId,
            Attempt = (uint)record.Attempt,
            HardwareClass = hardwareClass,
            Evidence = Json(evidence, EvidenceJsonContext.Default.BenchEvidence),
        });

    public void Shadow(DeploymentRecord record, Digest baseline, string hardwareClass, ShadowTick tick) =>
        Put(ReportClass.Evidence, topics.Shadow(record.Digest), retain: false, new Wire.ShadowReport
        {
            Model = record.Model,
            Digest = record.Digest.ToString(),
            BaselineDigest = baseline.ToString(),
            RolloutId = record.RolloutId,
            Attempt = (uint)record.Attempt,
            HardwareClass = hardwareClass,
            Tick = Json(tick, EvidenceJsonContext.Default.ShadowTick),
        });

    public void Event(string type, string subject, string detail) =>
        Put(ReportClass.Evidence, topics.Event(type), retain: false, new Wire.EventReport { Type = type, Subject = subject, Detail = detail });

    /// <summary>The runner answers with a digest since now; null: with none.</summary>
    /// <param name="fileMode">An application loads it itself, which says nothing of the runner.</param>
    public void Slots(string model, Digest? serving, bool fileMode = false)
    {
        if (serving is { } digest)
        {
            Serving(model, digest, time.GetUtcNow());
            Runner = fileMode ? Runner : Wire.Runner.Answers;
        }
        else
        {
            _servingSince.TryRemove(model, out _);
        }
        Reported();
    }

    /// <summary>What the runner says of when it began to serve.</summary>
    public void Serving(string model, Digest digest, DateTimeOffset since) => _servingSince[model] = (digest, since);

    /// <summary>The whole reported state.</summary>
    public void Reported()
    {
        HardwareFacts now = facts.Read();
        Wire.Reported report = new()
        {
            Generation = (ulong)generation(),
            Facts = DesiredMapping.ToWire(now),
            HardwareClass = now.ClassId,
            AgentVersion = AgentVersion.Text,
            Runner = Runner,
        };
        report.Labels.Add(labels.ToDictionary());
        report.ReleaseKeyIds.AddRange(ReleaseKeyIds);
        foreach (string model in slots.Models)
        {
            if (slots.Read(model) is { } known)
            {
                report.Models[model] = new Wire.ModelSlots
                {
                    Active = known.Active.ToString(),
                    Previous = known.Previous?.ToString() ?? "",
                    Golden = known.Golden?.ToString() ?? "",
                    ServingSince = _servingSince.TryGetValue(model, out var serving) && serving.Digest == known.Active ? Timestamp.FromDateTimeOffset(serving.Since) : null,
                };
            }
        }
        Say(topics.Reported, report);
    }

    /// <summary>Says what is owed as soon as the disk takes it. Runs until cancelled.</summary>
    public async Task SayOwedAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task owes;
            lock (_gate)
            {
                owes = _owes.Task;
            }
            await owes.WaitAsync(cancellationToken).ConfigureAwait(false);
            await Task.Delay(_retry.Next(), time, cancellationToken).ConfigureAwait(false);
            SayOwed();
        }
    }

    /// <summary>The newest on a topic is what counts; one that is owed there is true no more.</summary>
    private void Say(string topic, IMessage report)
    {
        lock (_gate)
        {
            _owed.Remove(topic);
            try
            {
                Put(ReportClass.State, topic, retain: true, report);
            }
            catch (IOException ex)
            {
                LogOwed(topic, ex.Message);
                if (_owed.Count == MostOwed)
                {
                    _owed.RemoveAt(0);
                }
                _owed[topic] = report;
                _owes.TrySetResult();
            }
        }
    }

    private void SayOwed()
    {
        lock (_gate)
        {
            try
            {
                // A disk that takes a report and fails to flush it would get another copy each time.
                outbox.Flush();
                for (; _owed.Count > 0; _owed.RemoveAt(0))
                {
                    (string topic, IMessage report) = _owed.GetAt(0);
                    Put(ReportClass.State, topic, retain: true, report);
                }
                _owes = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _retry.Reset();
            }
            catch (IOException ex)
            {
                LogStillOwed(_owed.Count, ex.Message);
            }
        }
    }

    private void Put(ReportClass reportClass, string topic, bool retain, IMessage report)
    {
        outbox.Append(reportClass, topic, retain, report);
        outbox.Flush();
    }

    private static ByteString Json<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        UnsafeByteOperations.UnsafeWrap(JsonSerializer.SerializeToUtf8Bytes(value, type));

    [LoggerMessage(EventId = 3431, Level = LogLevel.Warning, Message = "The report on '{Topic}' could not be written ({Reason}); it is written as soon as the disk takes it")]
    private partial void LogOwed(string topic, string reason);

    [LoggerMessage(EventId = 3432, Level = LogLevel.Debug, Message = "{Count} reports still cannot be written: {Reason}")]
    private partial void LogStillOwed(int count, string reason);
}
