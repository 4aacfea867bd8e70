using EdgeFleet.Benchmarks.Gating;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>How a rollout ended.</summary>
internal enum Ending
{
    Completed,
    RolledBack,
    Refused,

    /// <summary>No decision within the stage's time: it waits for a person.</summary>
    Inconclusive,
}

/// <param name="Ending">What was decided.</param>
/// <param name="Hours">From the start to the decision; time is the simulation's.</param>
/// <param name="ApprovalHours">When a person was asked; null for never.</param>
/// <param name="TookPart">Devices that had anything to do with the candidate.</param>
/// <param name="Exposed">Devices that ever served it.</param>
/// <param name="Keep">Devices that serve it at the end.</param>
/// <param name="Reason">The class's last word.</param>
internal sealed record RolloutOutcome(Ending Ending, double Hours, double? ApprovalHours, int TookPart, int Exposed, int Keep, string Reason);

/// <summary>
/// One rollout over hollow devices in faked time: the controller's decisions (<see cref="RolloutReconciler"/>) against the world
/// that they lead to. Store, broker and streams are left out: a simulation.
/// </summary>
internal sealed class ReplayedRollout
{
    public const string Policy = "default policy, stages bench, shadow 30, canary 5 or 1 %, ramps 10 and 50 %, full; soak 2 h, 24 h, 1 h; a stage has 30 h; looked at after each tick of a minute";
    private const string Spec = """
        apiVersion: edgefleet.io/v1
        kind: Rollout
        metadata: { name: replayed }
        spec:
          model: fashion
          candidate: CANDIDATE
          compare: COMPARE
          stages: [ { bench: {} }, { shadow: { devices: 30 } }, { canary: { devices: 5, percent: 1, approval: APPROVAL } }, { ramp: { percent: 10 } }, { ramp: { percent: 50 } }, { full: {} } ]
        """;
    private static readonly PolicySpec s_policy = new()
    {
        Soak = new SoakSpec { ShadowSeconds = 7200, CanarySeconds = 86_400, RampSeconds = 3600 },
        Limits = new LimitsSpec { StageSeconds = 30 * 3600 },
    };
    private static readonly SliceList s_classes = SliceList.Of([("class", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])]);
    private static readonly DateTimeOffset s_start = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(s_policy.Evidence.TickMilliseconds);
    private static readonly Digest s_baseline = Digest.Of("baseline"u8);
    private static readonly Digest s_candidate = Digest.Of("candidate"u8);
    private readonly HollowDevice[] _devices;
    private readonly Dictionary<string, HollowDevice> _byId;
    private readonly ReplayedLog _log = new();
    private readonly ReportedEvidence _evidence = new();
    private RolloutState _state;
    private DateTimeOffset _now = s_start;
    private DateTimeOffset? _asked;
    private DateTimeOffset? _decided;

    private ReplayedRollout(Candidate candidate, int devices, Dice dice)
    {
        bool improvement = candidate.Compare == CompareMode.Improvement;
        RolloutSpec spec = SpecFile.ParseRollout(Spec
            .Replace("CANDIDATE", $"\"{s_candidate}\"", StringComparison.Ordinal)
            .Replace("COMPARE", improvement ? "improvement" : "equivalence", StringComparison.Ordinal)
            .Replace("APPROVAL", improvement ? "true" : "false", StringComparison.Ordinal));
        _state = RolloutState.Create("replayed", spec, candidate.Sliced ? s_policy with { Evidence = s_policy.Evidence with { Slices = s_classes } } : s_policy, seed: (ulong)(dice.Share() * uint.MaxValue), s_start);
        bool[] silent = new bool[devices];
        silent.AsSpan(0, (int)Math.Ceiling(candidate.Silent * devices)).Fill(true);
        dice.Shuffle(silent);
        _devices = [.. silent.Select((falls, i) => new HollowDevice($"d{i:000}", s_baseline, s_candidate, candidate, falls, dice) { LastSeenAt = s_start })];
        _byId = _devices.ToDictionary(device => device.Id, StringComparer.Ordinal);
    }

    public static RolloutOutcome Run(Candidate candidate, int devices, Dice dice, CancellationToken cancellationToken) =>
        new ReplayedRollout(candidate, devices, dice).Run(cancellationToken);

    private RolloutOutcome Run(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Decide();
            ClassProgress progress = _state.Classes[0];
            if (progress.Phase is not (ClassPhase.Running or ClassPhase.AwaitingApproval))
            {
                _decided ??= _now;
            }
            if (progress.Phase == ClassPhase.Inconclusive || StageTransitions.IsEnd(_state.Phase))
            {
                return Outcome(progress);
            }
            Approve(progress);
            _now += s_tick;
            foreach (HollowDevice device in _devices)
            {
                if (device.Step(_now) is { } tick)
                {
                    _log.Add(device.Id, _now, tick);
                }
            }
        }
    }

    private void Decide()
    {
        RolloutDecision decision = RolloutReconciler.Decide(_state, new RolloutWorld { Now = _now, Devices = [.. _devices.Select(device => device.View())], Ticks = _log, Evidence = _evidence });
        _state = decision.Next;
        foreach (DeviceGoal goal in decision.Goals)
        {
            _byId[goal.DeviceId].Desired = goal.Desired;
        }
    }

    // The person who is asked says yes after an hour: what the gate does then is what is looked at.
    private void Approve(ClassProgress progress)
    {
        if (progress.Phase != ClassPhase.AwaitingApproval)
        {
            return;
        }
        _asked ??= _now;
        if (_now - _asked >= TimeSpan.FromHours(1))
        {
            _state = RolloutReconciler.Apply(_state, new OperatorCommand { Act = OperatorAct.Approve, At = _now, By = "simulation" }).State;
        }
    }

    private RolloutOutcome Outcome(ClassProgress progress) => new(
        progress.Phase switch
        {
            ClassPhase.Completed => Ending.Completed,
            ClassPhase.Refused => Ending.Refused,
            ClassPhase.Inconclusive => Ending.Inconclusive,
            _ => Ending.RolledBack,
        },
        ((_decided ?? _now) - s_start).TotalHours,
        (_asked - s_start)?.TotalHours,
        _devices.Count(device => device.TookPart),
        _devices.Count(device => device.Exposed),
        _devices.Count(device => device.Active == s_candidate),
        progress.Reason);
}
