namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>A chip that a kernel driver shows.</summary>
/// <param name="Folder">Where its files are; has the number that may change.</param>
/// <param name="Name">The driver's name for it, in lower case; from the chip, never from the number.</param>
/// <param name="Address">On its I2C bus, for example <c>1-0040</c>; null where the tree does not say.</param>
/// <param name="Iio">Named as NVIDIA's driver of JetPack 4 does (<c>iio:deviceN</c>), not as hwmon.</param>
internal sealed record SensorChip(string Folder, string Name, string? Address, bool Iio)
{
    public string Place => Address is null ? $"{Name} in {Folder}" : $"{Name} at {Address}";
}
