using System.Text;
using System.Text.Json;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Protocol;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Ingest;

/// <summary>Reads a payload by its topic and checks every field: the sender may be of another version, broken, or hostile.</summary>
internal static class ReportDecoder
{
    private const int MaximumModels = 64;
    private const int MaximumEntries = 64;
    private const int MaximumKeys = 32;
    /// <summary>
    /// Ten weeks of ticks of a minute. A tick is stored once by its number, and only of a rollout that the device takes part in; with
    /// the size of a tick this bounds what one device can store of one rollout.
    /// </summary>
    private const long MaximumTick = 100_000;
    // A declaration that is refused would leave its holes open for ever, so the bound is near what a packet can carry.
    private const int MaximumRanges = 65_536;

    /// <exception cref="PoisonReportException">The message cannot be read; the text says why.</exception>
    public static IncomingReport Decode(string tenant, string topic, ReadOnlySpan<byte> payload)
    {
        ReportTopic? parsed = null;
        try
        {
            parsed = Parse(tenant, topic);
            return Decode(parsed, payload);
        }
        catch (Exception ex) when (ex is FormatException or InvalidProtocolBufferException or OverflowException or InvalidOperationException or ArgumentException)
        {
            // The last three: a number beyond what a signed 64-bit integer or a date can hold, and a map with a key twice.
            Wire.ReportHeader? header = parsed is null ? null : TryReadHeader(payload);
            bool placed = header is { Seq: > 0 and <= long.MaxValue, Boot: <= long.MaxValue };
            throw new PoisonReportException(
                ReportText.Clean(ex is InvalidProtocolBufferException ? $"not the expected protobuf message: {ex.Message}" : ex.Message), placed ? parsed!.Device : null, placed ? (long)header!.Boot : 0, placed ? (long)header!.Seq : 0, ex);
        }
    }

    private static ReportTopic Parse(string tenant, string topic)
    {
        if (!Topics.TryParse(topic, out ReportTopic? parsed))
        {
            throw new FormatException($"topic '{ReportText.Clean(topic, 200)}' is not one of a device");
        }
        return parsed.Tenant == tenant
            ? parsed
            : throw new FormatException($"topic '{topic}' belongs to tenant '{parsed.Tenant}', this controller is '{tenant}'");
    }

    private static IncomingReport Decode(ReportTopic topic, ReadOnlySpan<byte> payload) => (topic.Kind, topic.Rest) switch
    {
        ("presence", "") => Presence(topic.Device, Wire.Presence.Parser.ParseFrom(payload)),
        ("reported", "") => State(topic.Device, Wire.Reported.Parser.ParseFrom(payload)),
        ("deployment", not "") => Deployment(topic.Device, Wire.DeploymentReport.Parser.ParseFrom(payload)),
        ("bench", not "") => Bench(topic, Wire.BenchReport.Parser.ParseFrom(payload)),
        ("shadow", not "") => Shadow(topic, Wire.ShadowReport.Parser.ParseFrom(payload)),
        ("metric", "") => Metric(topic.Device, Wire.MetricReport.Parser.ParseFrom(payload)),
        ("event", "gap") => Gap(topic.Device, Wire.GapReport.Parser.ParseFrom(payload)),
        ("event", not "") => Event(topic, Wire.EventReport.Parser.ParseFrom(payload)),
        _ => throw new FormatException($"'{ReportText.Clean(topic.Kind, 64)}' is not a kind of report that is taken in"),
    };

    /// <summary>The header is field 1 of every sequenced message, whatever else is wrong with it.</summary>
    private static Wire.ReportHeader? TryReadHeader(ReadOnlySpan<byte> payload)
    {
        try
        {
            CodedInputStream input = new(payload.ToArray());
            uint tag;
            while ((tag = input.ReadTag()) != 0)
            {
                if (tag == WireFormat.MakeTag(1, WireFormat.WireType.LengthDelimited))
                {
                    return Wire.ReportHeader.Parser.ParseFrom(input.ReadBytes());
                }
                input.SkipLastField();
            }
            return null;
        }
        catch (InvalidProtocolBufferException)
        {
            // Not even that much can be read.
            return null;
        }
    }

    private static IncomingReport.Presence Presence(string device, Wire.Presence wire) =>
        new(device, checked((long)wire.Epoch), wire.Online, ReportText.Clean(wire.AgentVersion, 64));

    private static IncomingReport.Metric Metric(string device, Wire.MetricReport wire)
    {
        if (wire.Models.Count > MaximumModels)
        {
            throw new FormatException($"metric of device '{device}': {wire.Models.Count} models; at most {MaximumModels}");
        }
        return new IncomingReport.Metric(
            device, Values(device, wire.Values),
            wire.Models.ToDictionary(model => Identifier.Require("metric model", model.Key), model => (IReadOnlyDictionary<string, double>)Values(device, model.Value.Values), StringComparer.Ordinal));
    }

    private static Dictionary<string, double> Values(string device, MapField<string, double> values)
    {
        if (values.Count > MaximumEntries)
        {
            throw new FormatException($"metric of device '{device}': {values.Count} values; at most {MaximumEntries}");
        }
        // A value that is no number is no value: JSON has no word for it either.
        return values.Where(value => double.IsFinite(value.Value)).ToDictionary(value => ReportText.Clean(value.Key, 64), value => value.Value, StringComparer.Ordinal);
    }

    private static IncomingReport.State State(string device, Wire.Reported wire)
    {
        (long boot, long seq) = Header(wire.Header);
        if (wire.Models.Count > MaximumModels)
        {
            throw new FormatException($"reported of device '{device}': {wire.Models.Count} models; at most {MaximumModels}");
        }
        List<ModelState> models = [];
        foreach ((string model, Wire.ModelSlots slots) in wire.Models)
        {
            models.Add(new ModelState(
                Identifier.Require("reported model", model), OptionalDigest(slots.Active), OptionalDigest(slots.Previous), OptionalDigest(slots.Golden),
                slots.ServingSince is { } since ? since.ToDateTimeOffset().ToUnixTimeMilliseconds() : null));
        }
        return new IncomingReport.State(
            device, boot, seq, checked((long)wire.Generation), wire.Facts is null ? null : DesiredMapping.ToCore(Clean(wire.Facts)),
            ReportText.Clean(wire.HardwareClass, 256), models,
            ReportText.CleanMap($"labels of device '{device}'", wire.Labels, MaximumEntries), ReportText.Clean(wire.AgentVersion, 64), KeyIds(device, wire.ReleaseKeyIds), Runner(wire.Runner));
    }

    private static IReadOnlyList<string> KeyIds(string device, RepeatedField<string> ids) =>
        ids.Count <= MaximumKeys && ids.All(id => id.Length == 64 && id.All(char.IsAsciiHexDigitLower))
            ? [.. ids.Distinct(StringComparer.Ordinal)]
            : throw new FormatException($"reported of device '{device}': {ids.Count} ids of release keys; expected at most {MaximumKeys}, each of 64 hexadecimal digits");

    private static string Runner(Wire.Runner wire) => wire switch
    {
        Wire.Runner.Answers => RunnerStates.Answers,
        Wire.Runner.Away => RunnerStates.Away,
        _ => RunnerStates.Unknown,
    };

    private static IncomingReport.Deployment Deployment(string device, Wire.DeploymentReport wire)
    {
        (long boot, long seq) = Header(wire.Header);
        string? probation = null;
        if (wire.Probation.Length > 0)
        {
            probation = Json("probation", wire.Probation, EvidenceJsonContext.Default.ProbationEvidence).Text;
        }
        return new IncomingReport.Deployment(
            device, boot, seq, Identifier.Require("deployment model", wire.Model), Digest.Parse(wire.Digest), RolloutId(wire.RolloutId),
            checked((int)wire.Attempt), checked((long)wire.Generation), PhaseMapping.ToCore(wire.Phase), ReportText.Clean(wire.Code, 64),
            ReportText.Clean(wire.Detail), wire.Invariant, ReportText.Clean(wire.HardwareClass, 256), probation);
    }

    private static IncomingReport.Bench Bench(ReportTopic topic, Wire.BenchReport wire)
    {
        (long boot, long seq) = Header(wire.Header);
        return new IncomingReport.Bench(
            topic.Device, boot, seq, Identifier.Require("bench model", wire.Model), DigestOfTopic(topic, wire.Digest),
            OptionalDigest(wire.BaselineDigest)?.ToString() ?? "", RolloutId(wire.RolloutId), checked((int)wire.Attempt),
            ReportText.Clean(wire.HardwareClass, 256), Json("bench evidence", wire.Evidence, EvidenceJsonContext.Default.BenchEvidence).Text);
    }

    private static IncomingReport.Shadow Shadow(ReportTopic topic, Wire.ShadowReport wire)
    {
        (long boot, long seq) = Header(wire.Header);
        if (wire.Tick.Length > ShadowTick.MaximumBytes)
        {
            throw new FormatException($"shadow tick of device '{topic.Device}': {wire.Tick.Length} bytes; at most {ShadowTick.MaximumBytes}");
        }
        (string text, ShadowTick tick) = Json("shadow tick", wire.Tick, EvidenceJsonContext.Default.ShadowTick);
        if (tick.Tick > MaximumTick)
        {
            throw new FormatException($"shadow tick {tick.Tick} of device '{topic.Device}': a deployment has at most {MaximumTick}");
        }
        if (tick.FirstProblem() is { } problem)
        {
            throw new FormatException($"shadow tick {tick.Tick} of device '{topic.Device}': {problem}");
        }
        return new IncomingReport.Shadow(
            topic.Device, boot, seq, Identifier.Require("shadow model", wire.Model), DigestOfTopic(topic, wire.Digest), RolloutId(wire.RolloutId),
            checked((int)wire.Attempt), ReportText.Clean(wire.HardwareClass, 256), tick.Tick, text);
    }

    private static IncomingReport.Event Event(ReportTopic topic, Wire.EventReport wire)
    {
        (long boot, long seq) = Header(wire.Header);
        return new IncomingReport.Event(
            topic.Device, boot, seq, Identifier.Require("event type", topic.Rest), ReportText.Clean(wire.Subject, 256), ReportText.Clean(wire.Detail),
            ReportText.CleanMap($"data of an event of device '{topic.Device}'", wire.Data, MaximumEntries));
    }

    private static IncomingReport.Gap Gap(string device, Wire.GapReport wire)
    {
        (long boot, long seq) = Header(wire.Header);
        if (wire.Dropped.Count > MaximumRanges)
        {
            throw new FormatException($"gap of device '{device}': {wire.Dropped.Count} ranges; at most {MaximumRanges}");
        }
        List<(long, long)> dropped = [];
        foreach (Wire.SeqRange range in wire.Dropped)
        {
            (long first, long last) = (checked((long)range.First), checked((long)range.Last));
            if (first < 1 || last < first)
            {
                throw new FormatException($"gap of device '{device}': {first} to {last} is not a range of sequence numbers");
            }
            dropped.Add((first, last));
        }
        return new IncomingReport.Gap(device, boot, seq, dropped, ReportText.Clean(wire.Reason, 256));
    }

    private static (long Boot, long Seq) Header(Wire.ReportHeader? header)
    {
        if (header is null || header.Seq == 0)
        {
            throw new FormatException("the report has no header with a sequence number");
        }
        return (checked((long)header.Boot), checked((long)header.Seq));
    }

    private static Digest? OptionalDigest(string text) => text.Length == 0 ? null : Digest.Parse(text);

    private static Digest DigestOfTopic(ReportTopic topic, string text)
    {
        Digest digest = Digest.Parse(text);
        return digest.Hex == topic.Rest ? digest : throw new FormatException($"{topic.Kind} of device '{topic.Device}': the topic names {ReportText.Clean(topic.Rest, 64)}, the message {digest}");
    }

    private static string RolloutId(string text) => text.Length == 0 ? "" : Identifier.Require("rollout id", text);

    private static Wire.DeviceFacts Clean(Wire.DeviceFacts facts) => new(facts)
    {
        Board = ReportText.Clean(facts.Board, 64),
        PowerMode = ReportText.Clean(facts.PowerMode, 64),
        Runtime = ReportText.Clean(facts.Runtime, 64),
        Provider = ReportText.Clean(facts.Provider, 64),
    };

    private static (string Text, T Value) Json<T>(string what, ByteString bytes, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            T value = JsonSerializer.Deserialize(bytes.Span, type) ?? throw new FormatException($"{what}: the document is null");
            return (Encoding.UTF8.GetString(bytes.Span), value);
        }
        catch (JsonException ex)
        {
            throw new FormatException($"{what}: {ex.Message}", ex);
        }
    }
}
