using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One tick of one device, the part that the gate reads.</summary>
public sealed record GateTick
{
    public required long Tick { get; init; }
    public int Pairs { get; init; }
    public int Disagreements { get; init; }
    public int NoisePairs { get; init; }
    public int NoiseDisagreements { get; init; }
    public double? MedianLogLatencyRatio { get; init; }
    public double? NoiseMeanLogLatencyRatio { get; init; }

    public static GateTick From(ShadowTick tick) => new()
    {
        Tick = tick.Tick,
        Pairs = tick.Pairs,
        Disagreements = tick.Disagreements,
        NoisePairs = tick.NoisePairs,
        NoiseDisagreements = tick.NoiseDisagreements,
        MedianLogLatencyRatio = tick.Pairs > 0 ? Finite(tick.MedianLogLatencyRatio) : null,
        NoiseMeanLogLatencyRatio = tick.NoisePairs > 0 ? Finite(tick.NoiseMeanLogLatencyRatio) : null,
    };

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? v : null;
}
