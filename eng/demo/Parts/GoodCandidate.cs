using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;

namespace EdgeFleet.Demo.Parts;

/// <summary>
/// A candidate that a device will not find slower: the retrained model in the form that most devices serve now (int8 where
/// int8 won, fp32 where it was refused).
/// </summary>
internal static class GoodCandidate
{
    /// <param name="int8Recipe">Two recipes give two candidates with different digests.</param>
    public static async Task<string> PublishAsync(LocalFleet fleet, string name, string int8Recipe, CancellationToken cancellationToken)
    {
        IReadOnlyList<JsonNode> devices = await fleet.DeviceListAsync(cancellationToken);
        int onInt8 = devices.Count(device => device["models"]?[LocalFleet.Model]?["active"]?.ToString() == fleet.Published["int8"]);
        bool int8 = onInt8 * 2 >= devices.Count;
        string served = int8 ? CompressPart.ModelFile(fleet, "int8") : Path.Combine(fleet.Layout.Example, "fashion_resnet8.onnx");
        JsonNode evidence = await CompressPart.MakeAsync(
            fleet, name, Path.Combine(fleet.Layout.Example, "fashion_resnet8_v2.onnx"), int8 ? int8Recipe : "weights-8bit.yaml", served, "suite-retrained.yaml", cancellationToken);
        return evidence["verdict"]?.ToString() == "pass"
            ? await fleet.PublishAsync(name, CompressPart.ModelFile(fleet, name), CompressPart.EvidenceFile(fleet, name), fleet.Published[int8 ? "int8" : "baseline"], cancellationToken)
            : throw new DemoFailedException($"{name}: the suite says {evidence["verdict"]}: {evidence["failed"]}");
    }
}
