using EdgeFleet.Core;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>How a device left the rollout for good.</summary>
/// <param name="Standing">Refused, failed or harmed.</param>
/// <param name="Reason">What the device or the gate said.</param>
/// <param name="At">When it was seen.</param>
/// <param name="Invariants">Broken invariants, kept here so that they still count when the report is gone.</param>
public sealed record DeviceExit(DeviceStanding Standing, string Reason, DateTimeOffset At, IReadOnlyList<InvariantFinding> Invariants);

/// <summary>One drawn device. Its place in the list is its place in the frozen enrolment order.</summary>
public sealed record DeviceProgress
{
    public required string DeviceId { get; init; }

    /// <summary>What it served when it was drawn: where a rollback leads; null for an install.</summary>
    public Digest? Before { get; init; }

    /// <summary>Last stage that the device was admitted to; -1 before the first.</summary>
    public int Stage { get; init; } = -1;

    /// <summary>From when on its time for the stage counts: since it was admitted, or since a maintenance window opened for it.</summary>
    public DateTimeOffset? AdmittedAt { get; init; }

    /// <summary>It waited for a maintenance window when it was last looked at.</summary>
    public bool WaitsForWindow { get; init; }

    /// <summary>Numbers of the stages whose selector leaves it out, as its labels were when it was drawn; null for none.</summary>
    public IReadOnlyList<int>? LeftOutOf { get; init; }

    /// <summary>Whether it runs the full benchmark, or the short one.</summary>
    public bool FullBench { get; init; }

    public DeviceExit? Exit { get; init; }

    /// <summary>Whether the stage with this number may take it.</summary>
    public bool IsFor(int stage) => LeftOutOf?.Contains(stage) != true;
}

/// <summary>One hardware class of a rollout.</summary>
public sealed record ClassProgress
{
    public required string HardwareClass { get; init; }
    public required IReadOnlyList<DeviceProgress> Devices { get; init; }
    public ClassPhase Phase { get; init; } = ClassPhase.Running;
    public int Stage { get; init; }

    /// <summary>The first stage waits for a person: nothing has begun.</summary>
    public bool NotBegun { get; init; }
    public required DateTimeOffset StageStartedAt { get; init; }
    public bool Paused { get; init; }
    public GateCalibration? Calibration { get; init; }

    /// <summary>Who has approved the next stage so far, where more than one person must; null for nobody.</summary>
    public IReadOnlyList<string>? Approvals { get; init; }

    /// <summary>Since when it is being taken back; null while it is not.</summary>
    public DateTimeOffset? BackSince { get; init; }

    /// <summary>A person ended the wait for devices that are told to go back and do not.</summary>
    public bool LetGo { get; init; }

    /// <summary>Why the class is where it is, in one sentence.</summary>
    public string Reason { get; init; } = "";

    /// <summary>What the last verdict said; a new one is stored when this changes.</summary>
    public string LastVerdict { get; init; } = "";

    /// <summary>What verdicts of this stage that hold have said; a device that falls silent and is back again says nothing new.</summary>
    public IReadOnlyList<string> HoldsSaid { get; init; } = [];

    /// <summary>The devices that the last stored verdict found harmed or broken; a new one is stored when this changes, in whatever phase.</summary>
    public string LastOutcomes { get; init; } = "";
}

/// <summary>A device that matched the selector and was not drawn.</summary>
public sealed record NotDrawn(string DeviceId, string Reason);

/// <summary>
/// All that a rollout is. The controller keeps it in its database and passes it to
/// <see cref="RolloutReconciler.Decide"/>; nothing else is remembered anywhere, so a restart goes on where it was.
/// </summary>
public sealed record RolloutState
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string RolloutId { get; init; }
    public required RolloutSpec Spec { get; init; }

    /// <summary>The policy as it was when the rollout was made; later edits of a named policy change nothing here.</summary>
    public required PolicySpec Policy { get; init; }
    public required GateMargins Margins { get; init; }
    public required Digest MarginsHash { get; init; }

    /// <summary>Seed of the enrolment order.</summary>
    public required ulong Seed { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public RolloutPhase Phase { get; init; } = RolloutPhase.Pending;
    public bool Paused { get; init; }
    public bool AbortRequested { get; init; }

    /// <summary>A command was applied that no decision has taken up yet; the next one counts as a change, so its goals are written.</summary>
    public bool Commanded { get; init; }
    public IReadOnlyList<ClassProgress> Classes { get; init; } = [];
    public IReadOnlyList<NotDrawn> NotDrawn { get; init; } = [];
    public string Reason { get; init; } = "";

    /// <summary>A new rollout; nothing is drawn before the first decision.</summary>
    public static RolloutState Create(string rolloutId, RolloutSpec spec, PolicySpec policy, ulong seed, DateTimeOffset createdAt)
    {
        GateMargins margins = GateMargins.Freeze(spec, policy);
        return new RolloutState
        {
            RolloutId = rolloutId,
            Spec = spec with { PolicySpec = null },
            Policy = policy,
            Margins = margins,
            MarginsHash = margins.Hash(),
            Seed = seed,
            CreatedAt = createdAt,
            Reason = "no device was drawn yet",
        };
    }
}
