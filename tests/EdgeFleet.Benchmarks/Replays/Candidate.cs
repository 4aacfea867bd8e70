using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>What hollow devices replay, and what is done to it on the way.</summary>
internal sealed record Candidate(string Name, IReadOnlyList<Trace> Traces)
{
    public CompareMode Compare { get; init; }

    /// <summary>The candidate's measured latencies times this.</summary>
    public double Slower { get; init; } = 1;

    /// <summary>Whether the benchmark on the device sees the slowness too, or it shows only beside live traffic.</summary>
    public bool InBenchmark { get; init; } = true;

    /// <summary>Share of inputs that the candidate answers with what is no number.</summary>
    public double NonFinite { get; init; }

    /// <summary>What the shadow worker's memory grows by.</summary>
    public double LeakMiBPerHour { get; init; }

    /// <summary>What applications tell of: null for applications that never learn what was right.</summary>
    public Answers? Labelled { get; init; }

    /// <summary>Share of the requests whose label comes.</summary>
    public double LabelShare { get; init; } = 0.2;

    /// <summary>Requests carry their class as a parameter, and the policy counts by it.</summary>
    public bool Sliced { get; init; }

    /// <summary>Share of the devices that fall silent within an hour of running the candidate.</summary>
    public double Silent { get; init; }
}
