namespace EdgeFleet.Measurement.Meters;

/// <summary>A source of power or energy figures. Not for two threads at once.</summary>
public interface IEnergyMeter : IDisposable
{
    MeterIdentity Identity { get; }

    /// <summary>
    /// Reads now. Never throws for what hardware does: a reading that failed is absent with its reason. Allocates nothing
    /// while readings succeed.
    /// </summary>
    /// <param name="parts">Also the rails that are not added. They cost conversions of the chip; who only integrates leaves them out.</param>
    MeterReading Read(bool parts = true);
}
