using System.Globalization;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Memory;

/// <summary>Whether another model fits beside what runs.</summary>
public enum HeadroomState
{
    /// <summary>The device does not say how much there is. Nobody may take that for enough.</summary>
    Unknown,
    TooLittle,
    Enough,
}

/// <summary>
/// The rule before a second model is loaded: what is available is at least what is needed and a margin, so that the device
/// that serves is not the one whose process the kernel kills.
/// </summary>
/// <param name="State">The answer.</param>
/// <param name="RequiredBytes">What is needed with the margin.</param>
/// <param name="Reason">For a person, with the numbers.</param>
public sealed record Headroom(HeadroomState State, long RequiredBytes, string Reason)
{
    public const double Margin = 0.15;

    /// <param name="available">MemAvailable of the device, bytes.</param>
    /// <param name="neededBytes">What will be taken on top of what is resident now.</param>
    public static Headroom Of(Reading available, long neededBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(neededBytes);
        long required = (long)Math.Ceiling(neededBytes * (1 + Margin));
        if (available is not { State: ReadingState.Measured, Value: { } bytes })
        {
            return new Headroom(HeadroomState.Unknown, required, $"how much memory is available is not known: {available.Reason}");
        }
        bool enough = bytes >= required;
        return new Headroom(
            enough ? HeadroomState.Enough : HeadroomState.TooLittle, required,
            $"{MebiBytes(bytes)} are available, {(enough ? "enough" : "too little")} for {MebiBytes(neededBytes)} and {Margin * 100:0} % ({MebiBytes(required)})");
    }

    private static string MebiBytes(double bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 20):0.0} MiB");
}
