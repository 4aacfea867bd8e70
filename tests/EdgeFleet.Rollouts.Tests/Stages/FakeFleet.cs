using System.Text.Json;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>How one pretended device behaves. Everything not said goes well.</summary>
internal sealed record Behaviour
{
    public double DisagreementRate { get; init; }
    public double LogLatencyRatio { get; init; } = -0.2;
    public bool RefusesAtBench { get; init; }
    /// <summary>Percent of its requests that the candidate really gets when it shall get some; null: what it is told.</summary>
    public double? SharesPercent { get; init; }
    public bool NonFinite { get; init; }
    public bool CrashesWhenActive { get; init; }
    public bool FailsToFetch { get; init; }
    public bool DoesNotLoad { get; init; }
    /// <summary>Its application loads the model itself: in the shadow stage it says that it has none.</summary>
    public bool ShadowAbsent { get; init; }
    /// <summary>Silent from this step on.</summary>
    public int SilentFrom { get; init; } = int.MaxValue;
    public int SilentUntil { get; init; } = int.MaxValue;
}

/// <summary>
/// Devices that run the product's own deployment table against the reconciler's goals, in steps of one tick of virtual
/// time. Each decision goes through JSON and is taken twice, so every test here is also a test of restarts and idempotence.
/// </summary>
internal sealed class FakeFleet
{
    public const int PairsPerTick = 60;
    public const int RequestsPerTick = 200;
    public static readonly Digest Baseline = Digest.Of("baseline"u8);
    public static readonly Digest Candidate = Digest.Of("candidate"u8);
    public static readonly DateTimeOffset Start = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly SortedDictionary<string, Device> _devices = new(StringComparer.Ordinal);
    private readonly Random _random = new(20261120);
    private readonly ReportedEvidence _evidence = new();

    public FakeFleet(RolloutSpec spec, PolicySpec policy, bool provisioned = true)
    {
        State = RolloutState.Create("r1", spec, policy, seed: 7, Start);
        Provisioned = provisioned;
        Now = Start;
    }

    private bool Provisioned { get; }
    public RolloutState State { get; set; }
    public DateTimeOffset Now { get; private set; }
    public int Steps { get; private set; }
    public List<RolloutEvent> Events { get; } = [];
    public List<StoredVerdict> Verdicts { get; } = [];
    public RolloutDecision? Last { get; private set; }
    public IEnumerable<string> Serving(Digest digest) => _devices.Values.Where(d => d.Active == digest).Select(d => d.Id);
    public HashSet<string> EverServedCandidate { get; } = [];

    public FakeFleet Add(string hardwareClass, int count, Func<int, Behaviour>? behaviour = null)
    {
        for (int i = 0; i < count; i++)
        {
            string id = $"{hardwareClass}-{i}";
            _devices[id] = new Device(id, hardwareClass, behaviour?.Invoke(i) ?? new Behaviour()) { Active = Provisioned ? Baseline : null, LastSeenAt = Now };
        }
        return this;
    }

    /// <summary>Steps until the condition holds; fails the test when it never does.</summary>
    public FakeFleet RunUntil(Func<FakeFleet, bool> done, int maximumSteps = 400)
    {
        for (int i = 0; i < maximumSteps; i++)
        {
            Step();
            if (done(this))
            {
                return this;
            }
        }
        Assert.Fail($"not reached in {maximumSteps} steps; {State.Phase}; " + string.Join(" | ", State.Classes.Select(c => $"{c.HardwareClass}: {c.Phase} at {c.Stage}: {c.Reason}")));
        return this;
    }

    public FakeFleet RunToEnd(int maximumSteps = 400) => RunUntil(f => StageTransitions.IsEnd(f.State.Phase), maximumSteps);

    public FakeFleet Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Step();
        }
        return this;
    }

    public ClassProgress Class(string hardwareClass) => State.Classes.Single(c => c.HardwareClass == hardwareClass);

    /// <summary>Changes what the controller sees of a device.</summary>
    public Func<DeviceView, DeviceView> Seen { get; set; } = view => view;

    /// <summary>What devices reported, in the order of arrival.</summary>
    public TickLog Log { get; } = new();

    public RolloutWorld World() => new() { Now = Now, Devices = [.. _devices.Values.Select(d => Seen(d.View()))], Ticks = Log, Evidence = _evidence };

    public void Command(OperatorAct act, string? hardwareClass = null)
    {
        CommandResult result = RolloutReconciler.Apply(State, new OperatorCommand { Act = act, HardwareClass = hardwareClass, At = Now, By = "anna" });
        Assert.True(result.Changed, result.Message);
        State = result.State;
    }

    private void Step()
    {
        Decide();
        Steps++;
        Now += TimeSpan.FromMilliseconds(State.Policy.Evidence.TickMilliseconds);
        foreach (Device device in _devices.Values)
        {
            if (Steps < device.Behaviour.SilentFrom || Steps >= device.Behaviour.SilentUntil)
            {
                device.LastSeenAt = Now;
                if (device.Step(_random) is { } tick)
                {
                    Log.Add(device.Id, device.HardwareClass, Now, tick);
                }
                if (device.EverServedCandidate)
                {
                    EverServedCandidate.Add(device.Id);
                }
            }
        }
        Decide();
    }

    private void Decide()
    {
        // Through JSON each time: a restart of the controller between any two decisions.
        string saved = JsonSerializer.Serialize(State, RolloutsJsonContext.Default.RolloutState);
        RolloutState restored = JsonSerializer.Deserialize(saved, RolloutsJsonContext.Default.RolloutState)!;
        RolloutWorld world = World();
        RolloutDecision decision = RolloutReconciler.Decide(restored, world);
        RolloutDecision again = RolloutReconciler.Decide(decision.Next, world);
        // Added up anew by a controller that was started again, the reports come to the same bits.
        RolloutDecision anew = RolloutReconciler.Decide(restored, world with { Evidence = new ReportedEvidence() });
        Assert.Equal(Written(decision.Current), Written(anew.Current));
        Assert.False(again.Changed, "a second look at the same world changed the state");
        Assert.Empty(again.Events);
        Assert.Empty(again.Verdicts);
        Assert.Equal(decision.Goals, again.Goals);
        if (!decision.Changed)
        {
            Assert.Empty(decision.Events);
            Assert.Empty(decision.Verdicts);
        }
        State = decision.Next;
        Last = decision;
        Events.AddRange(decision.Events);
        Verdicts.AddRange(decision.Verdicts);
        foreach (DeviceGoal goal in decision.Goals)
        {
            _devices[goal.DeviceId].Desired = goal.Desired;
        }
    }

    private static string Written(IReadOnlyList<GateVerdict> verdicts) =>
        string.Join('\n', verdicts.Select(verdict => JsonSerializer.Serialize(verdict, RolloutsJsonContext.Default.GateVerdict)));

    private sealed class Device(string id, string hardwareClass, Behaviour behaviour)
    {
        private int _ticks;
        private DeploymentPhase? _phase;
        private bool _invariantBroken;
        private string? _code;
        private Digest? _before;

        public string Id => id;
        public string HardwareClass => hardwareClass;
        public Behaviour Behaviour => behaviour;
        public Digest? Active { get; set; }
        public bool EverServedCandidate { get; private set; }
        public DateTimeOffset LastSeenAt { get; set; }
        public DesiredDeployment? Desired { get; set; }

        public DeviceView View() => new()
        {
            DeviceId = id,
            HardwareClass = hardwareClass,
            Active = Active,
            LastSeenAt = LastSeenAt,
            Deployment = _phase is { } phase
                ? new DeploymentReport { Phase = phase, InvariantBroken = _invariantBroken, Code = _code, Detail = _code is null ? null : "as behaved" }
                : null,
        };

        /// <summary>The tick that it reports, if it shadows.</summary>
        public ShadowTick? Step(Random random)
        {
            if (Desired is null || Desired.Digest != Candidate)
            {
                if (Desired is not null && _phase is { } running && !DeploymentMachine.IsEnd(running))
                {
                    Apply(PhaseOutcome.Superseded);
                }
                if (_phase == DeploymentPhase.RollingBack)
                {
                    Active = _before;
                    Apply(PhaseOutcome.RestoredAfterWithdrawal);
                }
                if (Desired is not null && Active == Candidate)
                {
                    Active = Desired.Digest;
                }
                return null;
            }
            _phase ??= DeploymentMachine.Begin(Desired, Active, []);
            for (int act = 0; act < 4; act++)
            {
                DeploymentStep step = DeploymentMachine.Plan(_phase.Value, Desired.Goal, DeploymentMachine.SkipsTrials(Desired, Active == Candidate ? _before : Active));
                switch (step.Act)
                {
                    case DeploymentAct.Park or DeploymentAct.None:
                        return null;
                    case DeploymentAct.Shadow when behaviour.ShadowAbsent:
                        return null;
                    case DeploymentAct.Shadow:
                        return Tick(random);
                    case DeploymentAct.Fetch when behaviour.FailsToFetch:
                        _code = "download-failed";
                        Apply(PhaseOutcome.Failure);
                        return null;
                    case DeploymentAct.Bench or DeploymentAct.Activate when behaviour.DoesNotLoad:
                        _code = "does-not-load";
                        Apply(PhaseOutcome.Failure);
                        break;
                    case DeploymentAct.Bench when behaviour.RefusesAtBench:
                        _code = "slower-than-baseline";
                        Apply(PhaseOutcome.Refusal);
                        return null;
                    case DeploymentAct.Activate:
                        _before = Active;
                        Active = Candidate;
                        EverServedCandidate = true;
                        Apply(PhaseOutcome.Success);
                        break;
                    case DeploymentAct.Watch when behaviour.CrashesWhenActive:
                        _code = "crash-loop";
                        Apply(PhaseOutcome.InvariantBroken);
                        break;
                    case DeploymentAct.Restore:
                        Active = _before;
                        Apply(PhaseOutcome.RestoredAfterFault);
                        return null;
                    default:
                        Apply(step.MoveBy ?? PhaseOutcome.Success);
                        break;
                }
            }
            return null;
        }

        private void Apply(PhaseOutcome outcome)
        {
            _phase = DeploymentMachine.Next(_phase!.Value, outcome);
            _invariantBroken |= outcome == PhaseOutcome.InvariantBroken;
        }

        private ShadowTick Tick(Random random)
        {
            int disagreements = 0;
            for (int i = 0; i < PairsPerTick; i++)
            {
                disagreements += random.NextDouble() < behaviour.DisagreementRate ? 1 : 0;
            }
            return new ShadowTick
            {
                Tick = _ticks++,
                StartedAt = LastSeenAt,
                DurationMs = 1000,
                Pairs = PairsPerTick,
                Disagreements = disagreements,
                NoisePairs = 6,
                MedianLogLatencyRatio = behaviour.LogLatencyRatio + ((random.NextDouble() - 0.5) * 0.02),
                NoiseMeanLogLatencyRatio = (random.NextDouble() - 0.5) * 0.02,
                CandidateNonFinite = behaviour.NonFinite ? 1 : 0,
                Arms = Desired!.Plan.ServePercent > 0 ? Arms(random, Desired.Plan.ServePercent) : null,
            };
        }

        private RequestArms Arms(Random random, double percent)
        {
            int candidate = Enumerable.Range(0, RequestsPerTick).Count(_ => random.NextDouble() * 100 < (behaviour.SharesPercent ?? percent));
            return new RequestArms(percent, new ArmCounts { Requests = RequestsPerTick - candidate }, new ArmCounts { Requests = candidate });
        }
    }
}
