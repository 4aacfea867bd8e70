using System.Globalization;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Devices;

namespace EdgeFleet.Controller.Fleet;

/// <summary>What a selector can ask of a device: its labels, and its facts under names that a label cannot take.</summary>
internal static class DeviceAttributes
{
    public static IReadOnlyDictionary<string, string> Of(DeviceRow device)
    {
        Dictionary<string, string> attributes = StoreJson.ReadMap(device.Labels);
        HardwareFacts facts = StoreJson.ReadFacts(device.Facts);
        attributes["deviceId"] = device.Id;
        attributes["hardwareClass"] = device.HardwareClass;
        attributes["board"] = facts.Board;
        attributes["powerMode"] = facts.PowerMode;
        attributes["runtime"] = facts.Runtime;
        attributes["provider"] = facts.Provider;
        attributes["threads"] = facts.Threads.ToString(CultureInfo.InvariantCulture);
        attributes["memoryMiB"] = facts.MemoryMiB.ToString(CultureInfo.InvariantCulture);
        attributes["agentVersion"] = device.AgentVersion;
        return attributes;
    }
}
