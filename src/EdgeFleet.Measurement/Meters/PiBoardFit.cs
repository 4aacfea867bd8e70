namespace EdgeFleet.Measurement.Meters;

/// <summary>Watts of a Raspberry Pi 5 board from the sum of its regulator's rails.</summary>
/// <remarks>The default was fitted by a hobbyist to one board (touchkio #35): whoever has a meter should put in an own line.</remarks>
public sealed record PiBoardFit(double Slope = 1.1451, double InterceptWatts = 0.5879);
