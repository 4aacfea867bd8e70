namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>Energy per inference with and without what the device draws at rest. Always both, each with its state.</summary>
public sealed record InferenceEnergy
{
    public required EnergyFigure Total { get; init; }

    /// <summary>Above idle.</summary>
    public required EnergyFigure Dynamic { get; init; }

    /// <summary>Mean of the idle windows; null without one.</summary>
    public double? IdleWatts { get; init; }

    /// <summary>The idle power at the end differs from that at the beginning by more than 3 % or two quanta.</summary>
    public bool IdleDrift { get; init; }

    /// <summary>P/(P - P_idle): how much the subtraction magnifies errors; null without idle power or where it is not above it.</summary>
    public double? Amplification { get; init; }
}
