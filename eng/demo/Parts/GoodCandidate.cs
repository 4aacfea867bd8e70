using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;

namespace EdgeFleet.Demo.Parts;

/// <summary>
/// A candidate that a device will not find slower: the retrained model in the form that most devices serve now (int8 where
/// int8 won, fp32 where it was refused).
/// </summary>
internal static class GoodCandidate
{
    public static async Task<string> PublishAsync(LocalFleet fleet, string name, CancellationToken cancellationToken)
    {
        IReadOnlyList<JsonNode> devices = await fleet.DeviceListAsync(cancellationToken);
        int onInt8 = devices.Count(device => device["models"]?[LocalFleet.Model]?["active"]?.ToString() == fleet.Published["int8"]);
        bool int8 = onInt8 * 2 >= devices.Count;
        string baseline = int8 ? fleet.Published["int8"] : fleet.Published["baseline"];
        string form = int8 ? "retrained-int8" : "retrained-fp32";
        if (!int8)
        {
            await CompressPart.MakeAsync(fleet, form, Path.Combine(fleet.Layout.Example, "fashion_resnet8_v2.onnx"), "weights-8bit.yaml", "suite-retrained.yaml", cancellationToken);
        }
        return await fleet.PublishAsync(name, CompressPart.ModelFile(fleet, form), CompressPart.EvidenceFile(fleet, form), baseline, cancellationToken);
    }
}
