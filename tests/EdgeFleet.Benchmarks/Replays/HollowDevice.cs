using System.Globalization;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;
using EdgeFleet.Rollouts.Stages;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>
/// A device without hardware: the product's deployment table decides what it does, its ticks are counted by the product's
/// counter, and what they count was measured before (<see cref="Trace"/>). One step is one tick.
/// </summary>
internal sealed class HollowDevice(string id, Digest baseline, Digest candidateDigest, Candidate candidate, bool fallsSilent, Gating.Dice dice)
{
    public const string HardwareClass = "hollow";
    private const int BlockPairs = 50;
    private const long WorkerPeak = 73L << 20; // what the shadow worker takes with two of the example's models
    private readonly Trace _trace = candidate.Traces[(int)(dice.Share() * candidate.Traces.Count)];
    private readonly Digest _baseline = baseline;
    private TickCounter? _counter;
    private int _ticks;
    private long _requests;
    private DeploymentPhase? _phase;
    private bool _invariantBroken;
    private string? _code;
    private DateTimeOffset? _activatedAt;
    private int? _stepsUntilSilent;
    private Digest? _before;

    public string Id => id;

    public Digest Active { get; private set; } = baseline;

    public bool Exposed { get; private set; }

    public bool TookPart => _phase is not null;

    public DateTimeOffset LastSeenAt { get; set; }

    public DesiredDeployment? Desired { get; set; }

    public DeviceView View() => new()
    {
        DeviceId = id,
        HardwareClass = HardwareClass,
        Active = Active,
        LastSeenAt = LastSeenAt,
        Deployment = _phase is { } phase
            ? new DeploymentReport { Phase = phase, InvariantBroken = _invariantBroken, Code = _code, Detail = _code is null ? null : "as replayed" }
            : null,
    };

    /// <summary>What the device does until now.</summary>
    /// <returns>The tick that it reports, if it shadows.</returns>
    public ShadowTick? Step(DateTimeOffset now)
    {
        if (_stepsUntilSilent is 0)
        {
            return null;
        }
        _stepsUntilSilent--;
        LastSeenAt = now;
        if (Desired is null)
        {
            return null;
        }
        if (Desired.Digest != candidateDigest)
        {
            GoBack(Desired.Digest);
            return null;
        }
        _phase ??= DeploymentMachine.Begin(Desired, Active, []);
        ShadowTick? tick;
        while (Act(Desired, now, out tick))
        {
        }
        return tick;
    }

    /// <returns>Whether there is time for another act in this tick.</returns>
    private bool Act(DesiredDeployment desired, DateTimeOffset now, out ShadowTick? tick)
    {
        tick = null;
        DeploymentStep step = DeploymentMachine.Plan(_phase!.Value, desired.Goal, DeploymentMachine.SkipsTrials(desired, _baseline));
        switch (step.Act)
        {
            case DeploymentAct.Park or DeploymentAct.None:
                return false;
            case DeploymentAct.Bench:
                bool refused = IsSlower(desired.Plan);
                _code = refused ? "slower-than-baseline" : _code;
                Apply(refused ? PhaseOutcome.Refusal : PhaseOutcome.Success);
                return false;
            case DeploymentAct.Shadow:
                Touched();
                tick = Tick(desired.Plan, now);
                if (tick.OutOfMemory)
                {
                    _code = "out-of-memory";
                    Apply(PhaseOutcome.InvariantBroken);
                }
                return false;
            case DeploymentAct.Activate:
                Touched();
                _before = Active;
                (Active, Exposed, _activatedAt) = (candidateDigest, true, now);
                Apply(PhaseOutcome.Success);
                return false;
            case DeploymentAct.Watch:
                if (now - _activatedAt >= TimeSpan.FromSeconds(desired.Plan.ProbationSeconds))
                {
                    Apply(PhaseOutcome.Success);
                }
                return false;
            case DeploymentAct.Restore:
                Active = _before ?? _baseline;
                Apply(PhaseOutcome.RestoredAfterFault);
                return false;
            default:
                Apply(step.MoveBy ?? PhaseOutcome.Success);
                return true;
        }
    }

    private void GoBack(Digest wanted)
    {
        if (_phase is { } running && !DeploymentMachine.IsEnd(running))
        {
            Apply(PhaseOutcome.Superseded);
        }
        if (_phase == DeploymentPhase.RollingBack)
        {
            Apply(PhaseOutcome.RestoredAfterWithdrawal);
        }
        Active = wanted;
    }

    private void Apply(PhaseOutcome outcome)
    {
        _phase = DeploymentMachine.Next(_phase!.Value, outcome);
        _invariantBroken |= outcome == PhaseOutcome.InvariantBroken;
    }

    private void Touched()
    {
        if (fallsSilent)
        {
            _stepsUntilSilent ??= 1 + (int)(dice.Share() * 60);
        }
    }

    /// <summary>As the device's benchmark judges: slower, with the interval of the blocks wholly beyond the margin.</summary>
    private bool IsSlower(TrialPlan plan)
    {
        double slower = candidate.InBenchmark ? Math.Log(candidate.Slower) : 0;
        double[] blocks = [.. Enumerable.Range(0, plan.BenchBlocks).Select(_ => Stretch(BlockPairs).Average(pair => LogRatio(pair.Pair)) + slower)];
        return PairedEstimate.Of(blocks)!.Lower > Math.Log(1 + plan.BenchLatencyMargin);
    }

    private ShadowTick Tick(TrialPlan plan, DateTimeOffset now)
    {
        TimeSpan length = TimeSpan.FromMilliseconds(plan.ShadowTickMs);
        _counter ??= new TickCounter(plan.ShadowLatencyP95Margin, plan.ShadowLatencyP99Margin, plan.ShadowSlices, TimeProvider.System);
        foreach (TracedPair traced in Stretch((int)(plan.ShadowMaxPerSecond * length.TotalSeconds)))
        {
            PairOutcome pair = traced.Pair with { CandidateTicks = (long)(traced.Pair.CandidateTicks * candidate.Slower) };
            Add(dice.Chance(candidate.NonFinite) ? pair with { NonFinite = true, Disagrees = true } : pair, traced.Input);
            if (traced.Noise is { } noise)
            {
                _counter.AddNoise(noise, traced.Swap);
            }
        }
        double hours = _ticks * length.TotalHours;
        long peak = WorkerPeak + (long)(candidate.LeakMiBPerHour * hours * (1 << 20));
        return _counter.Finish(_ticks++, now - length, length, peak, outOfMemory: peak > plan.WorkerMemoryBytes);
    }

    private void Add(PairOutcome pair, int input)
    {
        if (candidate.Labelled is not { } answers)
        {
            _counter!.Add(pair);
            return;
        }
        string? id = dice.Chance(candidate.LabelShare) ? (++_requests).ToString(CultureInfo.InvariantCulture) : null;
        _counter!.Add(id is null ? pair : answers.With(pair, input), id, candidate.Sliced ? [answers.Label(input)] : null);
        if (id is not null)
        {
            _counter.AddLabel(new PostedLabel(id, [answers.Label(input)]));
        }
    }

    /// <summary>Pairs that were measured one after the other, from somewhere in the trace.</summary>
    private ArraySegment<TracedPair> Stretch(int pairs) => new(_trace.Pairs, (int)(dice.Share() * (_trace.Pairs.Length - pairs)), pairs);

    private static double LogRatio(PairOutcome outcome) => Math.Log((double)outcome.CandidateTicks / outcome.BaselineTicks);
}
