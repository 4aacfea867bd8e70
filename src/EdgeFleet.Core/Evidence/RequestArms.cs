namespace EdgeFleet.Core.Evidence;

/// <summary>Requests of one tick while a candidate answered a share of them on the device.</summary>
/// <param name="Percent">The share that was asked for.</param>
/// <param name="Baseline">Requests that were drawn for the baseline.</param>
/// <param name="Candidate">Requests that were drawn for the candidate, answered by it or not.</param>
public sealed record RequestArms(double Percent, ArmCounts Baseline, ArmCounts Candidate);

/// <summary>One of the two.</summary>
public sealed record ArmCounts
{
    public required long Requests { get; init; }
    public long Failures { get; init; }
    public long NonFinite { get; init; }
    public long WrongShape { get; init; }

    /// <summary>Answered requests, and the sums of the natural logarithm of their microseconds and of its square.</summary>
    public long Timed { get; init; }
    public double LogMicros { get; init; }
    public double LogMicrosSquares { get; init; }

    public static ArmCounts operator +(ArmCounts one, ArmCounts other) => new()
    {
        Requests = one.Requests + other.Requests,
        Failures = one.Failures + other.Failures,
        NonFinite = one.NonFinite + other.NonFinite,
        WrongShape = one.WrongShape + other.WrongShape,
        Timed = one.Timed + other.Timed,
        LogMicros = one.LogMicros + other.LogMicros,
        LogMicrosSquares = one.LogMicrosSquares + other.LogMicrosSquares,
    };

    public static ArmCounts operator -(ArmCounts later, ArmCounts earlier) => new()
    {
        Requests = later.Requests - earlier.Requests,
        Failures = later.Failures - earlier.Failures,
        NonFinite = later.NonFinite - earlier.NonFinite,
        WrongShape = later.WrongShape - earlier.WrongShape,
        Timed = later.Timed - earlier.Timed,
        LogMicros = later.LogMicros - earlier.LogMicros,
        LogMicrosSquares = later.LogMicrosSquares - earlier.LogMicrosSquares,
    };
}
