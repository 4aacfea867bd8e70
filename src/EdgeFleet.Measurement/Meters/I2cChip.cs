namespace EdgeFleet.Measurement.Meters;

/// <summary>Chips that can be read without a kernel driver.</summary>
public enum I2cChip
{
    Ina226,
    Ina228,
}
