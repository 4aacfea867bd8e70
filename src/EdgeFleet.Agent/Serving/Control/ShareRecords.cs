using EdgeFleet.Agent.Serving.Sessions;

namespace EdgeFleet.Agent.Serving.Control;

/// <summary>
/// <c>POST /v1/share</c>: let a candidate answer a share of a model's requests. Asked again with the same figures it goes on;
/// nobody asking for a minute ends it. 0 % ends it at once and forgets why it ended before.
/// </summary>
internal sealed record ShareRequest
{
    public required string Model { get; init; }
    public required string Candidate { get; init; }
    /// <summary>Default: 5.</summary>
    public double? Percent { get; init; }
    /// <summary>Of the coin that draws each request.</summary>
    public ulong Seed { get; init; }
}

/// <summary>The share of one model, and what came of it. The counts begin with the share.</summary>
internal sealed record ShareStatus
{
    public required string Candidate { get; init; }
    public required DateTimeOffset Since { get; init; }
    /// <summary>Of the requests now; 0 once it has ended or where it never began.</summary>
    public required double Percent { get; init; }
    public required double AskedPercent { get; init; }
    /// <summary>One of <see cref="ShareCodes"/>; null while it goes on.</summary>
    public string? Code { get; init; }
    public string? Reason { get; init; }
    public required ArmStatus BaselineArm { get; init; }
    public required ArmStatus CandidateArm { get; init; }
}

/// <summary>Requests that were drawn for one of the two. What a candidate failed at was answered by the baseline and counts here all the same.</summary>
internal sealed record ArmStatus
{
    public static ArmStatus None { get; } = Of(new SessionCounters());

    public required long Requests { get; init; }
    public required long Failures { get; init; }
    /// <summary>Refused by both: the request's own doing.</summary>
    public required long Rejected { get; init; }
    public required long NonFinite { get; init; }
    public required long WrongShape { get; init; }
    public required LatencyMicros LatencyMicros { get; init; }
    public required LogLatencySums LogLatency { get; init; }

    public static ArmStatus Of(SessionCounters counters) => new()
    {
        Requests = counters.Requests,
        Failures = counters.Failures,
        Rejected = counters.Rejected,
        NonFinite = counters.NonFinite,
        WrongShape = counters.WrongShape,
        LatencyMicros = counters.Latency.Summarise(),
        LogLatency = counters.LogLatency.Read(),
    };
}

/// <summary>Stable words for why a share ended or did not begin.</summary>
internal static class ShareCodes
{
    public const string InferenceFailed = "inference-failed";
    public const string NonFinite = "non-finite";
    public const string WrongShape = "wrong-shape";
    public const string Crashed = "crash-loop";
    public const string DoesNotLoad = "does-not-load";
    public const string OtherContract = "other-contract";
    public const string NoMemory = "no-memory";
    /// <summary>Nothing is active beside which it could answer, or the candidate is what is active.</summary>
    public const string NoBaseline = "no-baseline";
    /// <summary>Another digest was activated.</summary>
    public const string BaselineChanged = "baseline-changed";
    /// <summary>Nobody asked for it any more.</summary>
    public const string Lapsed = "lapsed";
    public const string Ended = "ended";

    /// <summary>The candidate did what no model may.</summary>
    public static bool IsInvariant(string code) => code is InferenceFailed or NonFinite or WrongShape or Crashed;
}
