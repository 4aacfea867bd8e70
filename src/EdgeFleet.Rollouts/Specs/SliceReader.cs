using EdgeFleet.Core.Evidence;
using YamlDotNet.RepresentationModel;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>Reads <c>slices: [{name: camera, values: [front, rear]}]</c>.</summary>
internal static class SliceReader
{
    public static SliceList Read(MapReader map, string key)
    {
        List<(string Name, IReadOnlyList<string> Values)> slices = [];
        IReadOnlyList<YamlNode> nodes = map.Sequence(key) ?? [];
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i] is not YamlMappingNode node)
            {
                map.ErrorAt($"{key}[{i}]", nodes[i], "expected a mapping with name and values");
                continue;
            }
            MapReader slice = map.Inner(node, $"{key}[{i}]");
            slices.Add((slice.Text("name", "", required: true), slice.Texts("values")));
            slice.Done();
        }
        try
        {
            return SliceList.Of(slices);
        }
        catch (FormatException ex)
        {
            map.Error(key, ex.Message);
            return SliceList.None;
        }
    }
}
