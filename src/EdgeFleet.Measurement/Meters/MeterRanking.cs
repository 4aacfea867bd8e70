using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters;

/// <summary>
/// Which of several meters to use: accumulating before sampled (nothing is lost between readings), the whole board before
/// parts of it, measured before modelled; a battery's gauge last.
/// </summary>
internal static class MeterRanking
{
    public static IReadOnlyList<IEnergyMeter> Rank(IEnumerable<IEnergyMeter> meters, string? prefer) =>
    [
        .. meters.OrderByDescending(meter => prefer is not null && meter.Identity.Source.Contains(prefer, StringComparison.OrdinalIgnoreCase))
            .ThenBy(meter => meter.Identity.Scope == MeterScope.Battery)
            .ThenBy(meter => meter.Identity.Kind)
            .ThenBy(meter => meter.Identity.Scope)
            .ThenBy(meter => meter.Identity.State == ReadingState.Modelled),
    ];
}
