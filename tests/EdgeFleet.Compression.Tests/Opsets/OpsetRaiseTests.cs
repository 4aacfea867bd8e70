using EdgeFleet.Compression.Opsets;
using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Compression.Tests.Opsets;

/// <summary>The runtime runs the model of the old operator set and the one of the new; both must answer the same.</summary>
public sealed class OpsetRaiseTests
{
    private static readonly long[] s_shape = [2, 3, 4, 5];

    public static TheoryData<string, long> Forms => new()
    {
        { "Clip", 9 }, { "Clip, one bound", 9 }, { "Slice", 9 }, { "Pad", 9 }, { "Squeeze", 11 }, { "Unsqueeze", 11 }, { "ReduceSum", 11 },
        { "Split", 11 }, { "Softmax, axis 1", 11 }, { "Softmax, last axis", 11 }, { "LogSoftmax", 11 }, { "Resize", 10 }, { "Upsample", 9 },
        { "Dropout", 11 }, { "Relu", 7 },
    };

    [Theory, MemberData(nameof(Forms))]
    public void An_operator_answers_as_before_in_its_later_form(string form, long opset)
    {
        OnnxModel model = Model(form, opset);
        float[] input = RuntimeOracle.Noise(2 * 3 * 4 * 5, 8);
        float[] before = RuntimeOracle.Run(model, s_shape, input);
        Assert.Null(OpsetRaise.WhyNot(model));

        Assert.Equal(opset, OpsetRaise.Apply(model, new GraphEditor(model.Graph)));

        Assert.Equal(13, model.OpsetVersion());
        Assert.Equal(before, RuntimeOracle.Run(model, s_shape, input));
    }

    [Fact]
    public void Only_another_number_would_change_the_answer()
    {
        // The control: Softmax at an inner axis under set 13 is another function, so raising the number alone would show above.
        OnnxModel model = Model("Softmax, axis 1", 11);
        float[] input = RuntimeOracle.Noise(2 * 3 * 4 * 5, 8);
        float[] before = RuntimeOracle.Run(model, s_shape, input);
        model.Proto.OpsetImport[0].Version = 13;

        Assert.NotEqual(before, RuntimeOracle.Run(model, s_shape, input));
    }

    [Fact]
    public void A_model_of_set_13_or_newer_is_left_alone()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();

        Assert.Null(OpsetRaise.WhyNot(model));
        Assert.Null(OpsetRaise.Apply(model, new GraphEditor(model.Graph)));
        Assert.Equal(ModelBuilder.Classifier().Build().ToBytes(), model.ToBytes());
    }

    [Fact]
    public void Operators_that_are_not_known_and_nested_graphs_are_refused_by_name()
    {
        ModelBuilder builder = new ModelBuilder(opset: 11).Input("x", s_shape).Output("y", s_shape);
        builder.Node("NonMaxSuppression", ["x"], "a");
        builder.Node("If", ["x"], "y").Attribute.Add(new AttributeProto { Name = "then_branch", G = new GraphProto() });

        Assert.Contains("If, NonMaxSuppression cannot be brought there", OpsetRaise.WhyNot(builder.Build()), StringComparison.Ordinal);
    }

    [Fact]
    public void Models_older_than_set_7_are_refused()
    {
        ModelBuilder builder = new ModelBuilder(opset: 6).Input("x", s_shape).Output("y", s_shape);
        builder.Node("Relu", ["x"], "y");

        Assert.Contains("operator set 6", OpsetRaise.WhyNot(builder.Build()), StringComparison.Ordinal);
    }

    private static OnnxModel Model(string form, long opset)
    {
        ModelBuilder b = new ModelBuilder(opset: opset).Input("x", s_shape).Output("y", -1);
        b.Proto.Graph.Output[0].Type.TensorType.Shape = null;
        string type = form.Split(',')[0];
        NodeProto node = b.Node(type, ["x"], "y");
        switch (form)
        {
            case "Clip":
                node.With("min", -0.5f).With("max", 0.25f);
                break;
            case "Clip, one bound":
                node.With("max", 0.25f);
                break;
            case "Slice":
                node.With("starts", 1, 0).With("ends", 3, 2).With("axes", 2, 3);
                break;
            case "Pad":
                node.With("pads", 0, 0, 1, 2, 0, 0, 3, 0).With("value", 0.75f);
                break;
            case "Squeeze":
                node.Input[0] = "s";
                b.Node("Unsqueeze", ["x"], "s").With("axes", 1, 3);
                node.With("axes", 1, 3);
                (b.Proto.Graph.Node[0], b.Proto.Graph.Node[1]) = (b.Proto.Graph.Node[1], b.Proto.Graph.Node[0]);
                break;
            case "Unsqueeze":
                node.With("axes", 0, 2);
                break;
            case "ReduceSum":
                node.With("axes", 1, 2);
                break;
            case "Split":
                node.With("axis", 3L).With("split", 2, 3);
                node.Output.Add("rest");
                break;
            case "Softmax, axis 1" or "LogSoftmax":
                node.With("axis", 1L);
                break;
            case "Softmax, last axis":
                node.With("axis", 3L);
                break;
            case "Resize":
                node.Input.Add("scales");
                node.With("mode", "nearest");
                b.Tensor(TensorData.Create("scales", [4], new float[] { 1, 1, 1.5f, 2 }));
                break;
            case "Upsample":
                node.Input.Add("scales");
                node.With("mode", "linear");
                b.Tensor(TensorData.Create("scales", [4], new float[] { 1, 1, 2, 2 }));
                break;
            default:
                break;
        }

        return b.Build();
    }
}
