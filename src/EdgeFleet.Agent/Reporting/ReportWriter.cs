using System.Collections.Concurrent;
using System.Text.Json;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Core;
using EdgeFleet.Core.Devices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Protocol;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>Says in the wire's words what happened here, into the outbox. Returns when it is on disk.</summary>
internal sealed class ReportWriter(
    Outbox outbox, Topics topics, SlotTable slots, IDeviceFacts facts, Func<long> generation, IReadOnlyDictionary<string, string> labels, TimeProvider time)
{
    /// <summary>One sentence for a person; what a runtime or a server wrote into it may be any length.</summary>
    private const int LongestDetail = 4096;

    private readonly ConcurrentDictionary<string, (Digest Digest, DateTimeOffset Since)> _servingSince = new(StringComparer.Ordinal);

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
        Put(ReportClass.State, topics.Deployment(record.Id), retain: true, report);
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
    public void Slots(string model, Digest? serving)
    {
        if (serving is { } digest)
        {
            Serving(model, digest, time.GetUtcNow());
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
        };
        report.Labels.Add(labels.ToDictionary());
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
        Put(ReportClass.State, topics.Reported, retain: true, report);
    }

    private void Put(ReportClass reportClass, string topic, bool retain, IMessage report)
    {
        outbox.Append(reportClass, topic, retain, report);
        outbox.Flush();
    }

    private static ByteString Json<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        UnsafeByteOperations.UnsafeWrap(JsonSerializer.SerializeToUtf8Bytes(value, type));
}
