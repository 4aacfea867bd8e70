using EdgeFleet.Onnx.Schema;
using Google.Protobuf;
using AttributeType = EdgeFleet.Onnx.Schema.AttributeProto.Types.AttributeType;

namespace EdgeFleet.Onnx.Graphs;

/// <summary>Reads and sets a node's attributes by name.</summary>
public static class NodeAttributes
{
    public static AttributeProto? Find(this NodeProto node, string name)
    {
        ArgumentNullException.ThrowIfNull(node);
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (attribute.Name == name)
            {
                return attribute;
            }
        }

        return null;
    }

    public static long Int(this NodeProto node, string name, long absent) => node.Find(name)?.I ?? absent;

    public static float Float(this NodeProto node, string name, float absent) => node.Find(name)?.F ?? absent;

    public static IReadOnlyList<long>? Ints(this NodeProto node, string name) => node.Find(name)?.Ints;

    public static NodeProto With(this NodeProto node, string name, long value) =>
        node.Add(new AttributeProto { Name = name, Type = AttributeType.Int, I = value });

    public static NodeProto With(this NodeProto node, string name, float value) =>
        node.Add(new AttributeProto { Name = name, Type = AttributeType.Float, F = value });

    public static NodeProto With(this NodeProto node, string name, string value) =>
        node.Add(new AttributeProto { Name = name, Type = AttributeType.String, S = ByteString.CopyFromUtf8(value) });

    public static NodeProto With(this NodeProto node, string name, params ReadOnlySpan<long> values)
    {
        AttributeProto attribute = new() { Name = name, Type = AttributeType.Ints };
        foreach (long value in values)
        {
            attribute.Ints.Add(value);
        }

        return node.Add(attribute);
    }

    private static NodeProto Add(this NodeProto node, AttributeProto attribute)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Find(attribute.Name) is { } old)
        {
            node.Attribute.Remove(old);
        }

        node.Attribute.Add(attribute);
        return node;
    }
}
