namespace EdgeFleet.Measurement.Meters;

/// <summary>Figures that no device of this kind can draw: an unsigned counter below zero, a register that was never written.</summary>
internal static class Plausible
{
    private const double MostWatts = 10_000;

    public static bool Watts(double watts) => Math.Abs(watts) <= MostWatts;
}
