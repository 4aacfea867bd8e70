namespace EdgeFleet.Agent.Devices;

/// <summary>How the device is doing at this moment.</summary>
public interface IDeviceGauges
{
    /// <summary>Values by a name that ends in its unit. What cannot be read is not there.</summary>
    IReadOnlyDictionary<string, double> Read();
}
