using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using Google.Protobuf.Collections;

namespace EdgeFleet.Compression.Opsets;

/// <summary>
/// The operators whose form changed between operator sets 7 and 13, written in the later form. Most moved attributes to
/// inputs; Softmax once flattened its input, and Resize once had one rule for coordinates.
/// </summary>
internal static class OperatorRewrites
{
    private sealed record Rewrite(long Before, Action<GraphEditor, NodeProto> Apply);

    private static readonly Dictionary<string, Rewrite> s_rewrites = new(StringComparer.Ordinal)
    {
        ["Clip"] = new(11, Clip),
        ["Dropout"] = new(13, Dropout),
        ["LogSoftmax"] = new(13, Softmax),
        ["Pad"] = new(11, Pad),
        ["ReduceSum"] = new(13, AxesToInput),
        ["Resize"] = new(11, Resize),
        ["Slice"] = new(10, Slice),
        ["Softmax"] = new(13, Softmax),
        ["Split"] = new(13, Split),
        ["Squeeze"] = new(13, AxesToInput),
        ["Unsqueeze"] = new(13, AxesToInput),
        ["Upsample"] = new(10, Upsample),
    };

    public static bool Knows(NodeProto node, long opset) =>
        s_rewrites.TryGetValue(node.OpType, out Rewrite? rewrite) && opset < rewrite.Before
        && (node.OpType != "Dropout" || node.Output.Count == 1);

    public static void Apply(GraphEditor editor, NodeProto node, long opset)
    {
        if (Knows(node, opset))
        {
            s_rewrites[node.OpType].Apply(editor, node);
        }
    }

    private static void Clip(GraphEditor editor, NodeProto node)
    {
        foreach (string bound in new[] { "min", "max" })
        {
            AttributeProto? attribute = Take(node, bound);
            node.Input.Add(attribute is null ? "" : Constant(editor, TensorData.Create(editor.UniqueName($"{node.Name}_{bound}"), [], new float[] { attribute.F })));
        }
    }

    private static void Pad(GraphEditor editor, NodeProto node)
    {
        node.Input.Add(Integers(editor, node, "pads", Take(node, "pads")?.Ints ?? new RepeatedField<long>()));
        float value = Take(node, "value")?.F ?? 0;
        node.Input.Add(Constant(editor, TensorData.Create(editor.UniqueName($"{node.Name}_value"), [], new float[] { value })));
    }

    private static void Slice(GraphEditor editor, NodeProto node)
    {
        node.Input.Add(Integers(editor, node, "starts", Take(node, "starts")?.Ints ?? new RepeatedField<long>()));
        node.Input.Add(Integers(editor, node, "ends", Take(node, "ends")?.Ints ?? new RepeatedField<long>()));
        if (Take(node, "axes") is { } axes)
        {
            node.Input.Add(Integers(editor, node, "axes", axes.Ints));
        }
    }

    private static void AxesToInput(GraphEditor editor, NodeProto node)
    {
        if (Take(node, "axes") is { } axes)
        {
            node.Input.Add(Integers(editor, node, "axes", axes.Ints));
        }
    }

    private static void Split(GraphEditor editor, NodeProto node)
    {
        if (Take(node, "split") is { } split)
        {
            node.Input.Add(Integers(editor, node, "split", split.Ints));
        }
    }

    /// <summary>In inference it passes its input on; the ratio, an attribute then and an input now, is for training.</summary>
    private static void Dropout(GraphEditor editor, NodeProto node)
    {
        node.OpType = "Identity";
        node.Attribute.Clear();
        while (node.Input.Count > 1)
        {
            node.Input.RemoveAt(1);
        }
    }

    private static void Resize(GraphEditor editor, NodeProto node)
    {
        // (X, scales) became (X, roi, scales).
        node.Input.Insert(1, "");
        node.With("coordinate_transformation_mode", "asymmetric");
        node.With("nearest_mode", "floor");
    }

    private static void Upsample(GraphEditor editor, NodeProto node)
    {
        if (Take(node, "scales") is { } scales)
        {
            node.Input.Add(Constant(editor, TensorData.Create(editor.UniqueName($"{node.Name}_scales"), [scales.Floats.Count], [.. scales.Floats])));
        }

        node.OpType = "Resize";
        Resize(editor, node);
    }

    /// <summary>Once: flattened to two dimensions at the axis, then over all of the second. Now: over one axis of any number.</summary>
    private static void Softmax(GraphEditor editor, NodeProto node)
    {
        long axis = Take(node, "axis")?.I ?? 1;
        string input = node.Input[0], output = node.Output[0];
        node.With("axis", 1L);
        if (editor.Producer(input) is { OpType: "Gemm" or "Flatten" } && axis is 1 or -1)
        {
            return; // two dimensions, where both mean the same
        }

        NodeProto shape = new() { OpType = "Shape", Name = editor.UniqueName($"{node.Name}_shape") };
        NodeProto flat = new() { OpType = "Flatten", Name = editor.UniqueName($"{node.Name}_flat") };
        NodeProto back = new() { OpType = "Reshape", Name = editor.UniqueName($"{node.Name}_back") };
        shape.Input.Add(input);
        shape.Output.Add(editor.UniqueName($"{output}_shape"));
        flat.Input.Add(input);
        flat.Output.Add(editor.UniqueName($"{output}_flat"));
        flat.With("axis", axis);
        editor.InsertBefore(node, shape);
        editor.InsertBefore(node, flat);
        editor.SetInput(node, 0, flat.Output[0]);
        node.Output[0] = editor.UniqueName($"{output}_rows");
        back.Input.AddRange([node.Output[0], shape.Output[0]]);
        back.Output.Add(output);
        editor.InsertAfter(node, back);
    }

    private static AttributeProto? Take(NodeProto node, string name)
    {
        AttributeProto? attribute = node.Find(name);
        if (attribute is not null)
        {
            node.Attribute.Remove(attribute);
        }

        return attribute;
    }

    private static string Integers(GraphEditor editor, NodeProto node, string name, RepeatedField<long> values) =>
        Constant(editor, TensorData.Create(editor.UniqueName($"{node.Name}_{name}"), [values.Count], [.. values]));

    private static string Constant(GraphEditor editor, TensorProto tensor)
    {
        editor.Add(tensor);
        return tensor.Name;
    }
}
