using EdgeFleet.Agent.Serving.Control;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>
/// A candidate that answers a share of one model's requests beside the session that is active. Each request is drawn on its own
/// by a seeded coin: what an application sends decides nothing, so both arms see the same inputs. It counts both arms from its
/// beginning on, and it ends at the first answer that breaks an invariant.
/// </summary>
internal sealed class RequestShare(ActiveSession candidate, double percent, ulong seed, DateTimeOffset since, TimeProvider time)
{
    /// <summary>Whoever asked for it says so again at least this often; a candidate that nobody watches answers nobody.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private long _drawn;
    private long _renewed = time.GetTimestamp();
    private ShareEnd? _end;

    public ActiveSession Candidate { get; } = candidate;

    public double Percent { get; } = percent;

    /// <summary>Requests that were drawn for the baseline.</summary>
    public SessionCounters Baseline { get; } = new();

    /// <summary>One of <see cref="ShareCodes"/>; null while it goes on.</summary>
    public string? IsOver => Volatile.Read(ref _end)?.Code;

    public bool Ended => Volatile.Read(ref _end) is not null;

    public bool Lapsed => time.GetElapsedTime(Volatile.Read(ref _renewed)) > Lease;

    public void Renew() => Volatile.Write(ref _renewed, time.GetTimestamp());

    /// <summary>Whether the next request is the candidate's.</summary>
    public bool Draw()
    {
        ulong mixed = seed + (ulong)Interlocked.Increment(ref _drawn) * 0x9E37_79B9_7F4A_7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
        return ((mixed ^ (mixed >> 31)) >> 11) * (100.0 / (1UL << 53)) < Percent;
    }

    /// <summary>Ends it. The first reason stays.</summary>
    /// <returns>Whether this call ended it.</returns>
    public bool End(ShareEnd end)
    {
        if (Interlocked.CompareExchange(ref _end, end, null) is not null)
        {
            return false;
        }
        Candidate.Retire();
        return true;
    }

    public ShareStatus Status() => new()
    {
        Candidate = Candidate.Version,
        Since = since,
        Percent = _end is null ? Percent : 0,
        AskedPercent = Percent,
        Code = _end?.Code,
        Reason = _end?.Reason,
        BaselineArm = ArmStatus.Of(Baseline),
        CandidateArm = ArmStatus.Of(Candidate.Counters),
    };
}

/// <summary>Why a share is over.</summary>
/// <param name="Code">One of <see cref="ShareCodes"/>.</param>
/// <param name="Reason">A sentence.</param>
internal sealed record ShareEnd(string Code, string Reason);
