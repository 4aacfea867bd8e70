using System.Text.Json;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Protocol;
using Google.Protobuf;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>
/// A device as the controller knows it from outside: it stores what it is told, moves towards it, and keeps each report until
/// the controller has acknowledged it. It survives every restart of the controller.
/// </summary>
internal sealed class RigDevice(string id, int threads, Func<string, bool>? harmed = null)
{
    private readonly SortedDictionary<long, (string Topic, byte[] Payload)> _outbox = [];
    private readonly Dictionary<string, (DeploymentPhase Phase, int Ticks)> _deployments = new(StringComparer.Ordinal);
    private readonly Topics _topics = new("default", id);
    private string _last = "";
    private long _seq;

    public string Id { get; } = id;
    public long Generation { get; private set; }
    public DesiredDeployment? Desired { get; private set; }
    public Digest? Active { get; private set; }
    public Digest? Previous { get; private set; }
    /// <summary>The first that it served for good.</summary>
    public Digest? Golden { get; private set; }
    public DeviceStream? Stream { get; set; }
    public bool Online { get; set; } = true;
    /// <summary>Whether it says at the bench that it does not take a candidate.</summary>
    public bool Refuses { get; init; }
    /// <summary>The ticks that it measures as another hardware class, such as in another power mode; the candidate does badly there.</summary>
    public Func<int, bool>? ElsewhereAt { get; init; }
    /// <summary>Whether it fails to go back, and says so.</summary>
    public bool FailsToGoBack { get; set; }
    /// <summary>Digests in the order in which it began to serve them.</summary>
    public List<Digest> Served { get; } = [];
    public IReadOnlyCollection<(string Topic, byte[] Payload)> Outbox => _outbox.Values;
    /// <summary>Number of the newest report.</summary>
    public long LastSeq => _seq;

    public IReadOnlyList<(long Seq, string Topic, byte[] Payload)> Unacknowledged(long after) =>
        [.. _outbox.Where(entry => entry.Key > after).Select(entry => (entry.Key, entry.Value.Topic, entry.Value.Payload))];

    /// <summary>Throws away what nobody has acknowledged: what must never be done.</summary>
    public void Forget() => _outbox.Clear();

    public Wire.DeviceFacts Facts => new()
    {
        Board = "x64", MemoryMib = 1024, PowerMode = "default", Runtime = "onnxruntime-1.29.0", Provider = "cpu", Threads = (uint)threads,
    };

    public void Install(Digest digest)
    {
        Active = digest;
        Golden ??= digest;
        Served.Add(digest);
        Report();
    }

    /// <summary>Another device comes in its place, under its name and with its reports: it has served nothing but this.</summary>
    public void Replace(Digest? digest)
    {
        (Active, Previous, Golden) = (digest, null, digest);
        _deployments.Clear();
        Served.Clear();
        Report();
    }

    public void Receive(long generation, DesiredDeployment? desired)
    {
        if (generation > Generation)
        {
            Generation = generation;
            Desired = desired;
        }
    }

    public void Acknowledge(long contiguous)
    {
        while (_outbox.Count > 0 && _outbox.First().Key <= contiguous)
        {
            _outbox.Remove(_outbox.First().Key);
        }
    }

    /// <summary>One step towards what is desired.</summary>
    public void Work()
    {
        if (Desired is not { } desired)
        {
            return;
        }
        string key = $"{desired.RolloutId}/{desired.Digest}/{desired.Attempt}";
        (DeploymentPhase phase, int ticks) = _deployments.GetValueOrDefault(key, (DeploymentPhase.Offered, 0));
        if (key != _last && phase >= DeploymentPhase.Committed && Active != desired.Digest)
        {
            // Something else was wanted in between: it begins anew.
            (phase, ticks) = (DeploymentPhase.Offered, 0);
        }
        _last = key;
        if (phase >= DeploymentPhase.Committed && (Active == desired.Digest || phase != DeploymentPhase.Committed))
        {
            return;
        }
        if (FailsToGoBack && desired.Reason == DesiredReason.Rollback && Active != desired.Digest)
        {
            Report();
            Move(desired, key, DeploymentPhase.FailedUnchanged, ticks);
            return;
        }
        if (Active == desired.Digest || desired.Reason == DesiredReason.Rollback)
        {
            Supersede(desired);
            Activate(desired);
            Move(desired, key, DeploymentPhase.Committed, ticks);
            return;
        }
        switch (phase)
        {
            case DeploymentPhase.Offered:
                Move(desired, key, DeploymentPhase.Staged, ticks);
                break;
            case DeploymentPhase.Staged when desired.Plan.Install && desired.Goal == DeploymentGoal.Active:
            case DeploymentPhase.Benchmarked or DeploymentPhase.Shadowing when desired.Goal == DeploymentGoal.Active:
                Move(desired, key, DeploymentPhase.Probation, ticks);
                break;
            case DeploymentPhase.Staged when Refuses:
                Move(desired, key, DeploymentPhase.Refused, ticks);
                break;
            case DeploymentPhase.Staged when !desired.Plan.Install && desired.Goal >= DeploymentGoal.Benchmarked:
                Move(desired, key, DeploymentPhase.Benchmarked, ticks);
                break;
            case DeploymentPhase.Benchmarked when desired.Goal == DeploymentGoal.Shadowing:
                Move(desired, key, DeploymentPhase.Shadowing, ticks);
                break;
            case DeploymentPhase.Shadowing:
                Tick(desired, ticks);
                _deployments[key] = (phase, ticks + 1);
                break;
            case DeploymentPhase.Probation:
                Activate(desired);
                Move(desired, key, DeploymentPhase.Committed, ticks);
                break;
        }
    }

    private void Supersede(DesiredDeployment desired)
    {
        foreach ((string key, (DeploymentPhase phase, int ticks)) in _deployments.ToArray())
        {
            string[] parts = key.Split('/');
            if (phase < DeploymentPhase.Committed && parts[1] != desired.Digest.ToString())
            {
                Move(desired with { RolloutId = parts[0], Digest = Digest.Parse(parts[1]) }, key, DeploymentPhase.Superseded, ticks);
            }
        }
    }

    private void Activate(DesiredDeployment desired)
    {
        if (Active != desired.Digest)
        {
            (Previous, Active) = (Active, desired.Digest);
            Golden ??= Active;
            Served.Add(desired.Digest);
        }
        Report();
    }

    private void Move(DesiredDeployment desired, string key, DeploymentPhase phase, int ticks)
    {
        _deployments[key] = (phase, ticks);
        string name = desired.RolloutId.Length > 0 ? desired.RolloutId : "assignment";
        Send(_topics.Deployment($"{desired.Model}-{name}"), header => new Wire.DeploymentReport
        {
            Header = header, Model = desired.Model, Digest = desired.Digest.ToString(), RolloutId = desired.RolloutId, Attempt = (uint)desired.Attempt,
            Generation = (ulong)Generation, Phase = PhaseMapping.ToWire(phase), HardwareClass = DesiredMapping.ToCore(Facts).ClassId,
        });
    }

    private void Tick(DesiredDeployment desired, int tick)
    {
        bool elsewhere = ElsewhereAt?.Invoke(tick) ?? false;
        bool bad = elsewhere || (harmed?.Invoke(desired.Digest.ToString()) ?? false);
        ShadowTick evidence = new()
        {
            Tick = tick, StartedAt = DateTimeOffset.UnixEpoch, DurationMs = 1000, Pairs = 2000, Disagreements = bad ? 900 : 2, NoisePairs = 60,
            MeanLogLatencyRatio = -0.3, MedianLogLatencyRatio = -0.3, NoiseMeanLogLatencyRatio = tick % 2 == 0 ? 0.001 : -0.001,
        };
        Send(_topics.Shadow(desired.Digest), header => new Wire.ShadowReport
        {
            Header = header, Model = desired.Model, Digest = desired.Digest.ToString(), RolloutId = desired.RolloutId, Attempt = (uint)desired.Attempt,
            HardwareClass = elsewhere ? "another-class" : DesiredMapping.ToCore(Facts).ClassId, Tick = ByteString.CopyFrom(JsonSerializer.SerializeToUtf8Bytes(evidence, EvidenceJsonContext.Default.ShadowTick)),
        });
    }

    private void Report() => Send(_topics.Reported, header =>
    {
        Wire.Reported reported = new() { Header = header, Generation = (ulong)Generation, Facts = Facts, AgentVersion = "test" };
        reported.Models["fashion"] = new Wire.ModelSlots { Active = Active?.ToString() ?? "", Previous = Previous?.ToString() ?? "", Golden = Golden?.ToString() ?? "" };
        return reported;
    });

    private void Send(string topic, Func<Wire.ReportHeader, IMessage> make)
    {
        _seq++;
        _outbox[_seq] = (topic, make(new Wire.ReportHeader { Boot = 1, Seq = (ulong)_seq }).ToByteArray());
    }
}
