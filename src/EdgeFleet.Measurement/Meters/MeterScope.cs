namespace EdgeFleet.Measurement.Meters;

/// <summary>What flows through the meter, from the most to the least useful.</summary>
public enum MeterScope
{
    /// <summary>All that the board (or its module) draws.</summary>
    Board,
    /// <summary>A part of it: a processor package, the rails of one regulator.</summary>
    Parts,
    /// <summary>What a battery gives: everything, but coarse and only while it discharges.</summary>
    Battery,
}
