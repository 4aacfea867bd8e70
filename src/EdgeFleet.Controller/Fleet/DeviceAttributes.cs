using System.Globalization;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Devices;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Controller.Fleet;

/// <summary>What a selector can ask of a device: its facts, and its labels; one that has the name of a fact by its long name.</summary>
internal static class DeviceAttributes
{
    public static IReadOnlyDictionary<string, string> Of(DeviceRow device)
    {
        Dictionary<string, string> attributes = StoreJson.ReadMap(device.Labels);
        foreach (string label in attributes.Keys.Where(SelectorName.IsFact).ToList())
        {
            attributes[SelectorName.LabelPrefix + label] = attributes[label];
        }
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
