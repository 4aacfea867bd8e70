using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Onnx.Tests.Graphs;

public sealed class GraphEditorTests
{
    private readonly GraphEditor _editor = new(ModelBuilder.Classifier().Build().Graph);

    [Fact]
    public void Makers_and_readers_of_a_tensor_are_found()
    {
        Assert.Equal("Relu", _editor.Producer("r1")!.OpType);
        Assert.Equal(["Conv", "Add"], _editor.Uses("r1").Select(use => use.Node.OpType));
        Assert.Equal([0, 1], _editor.Uses("r1").Select(use => use.Input));
        Assert.Null(_editor.Producer("x"));
        Assert.True(_editor.IsGraphInput("x"));
        Assert.True(_editor.IsGraphOutput("y"));
    }

    [Fact]
    public void A_node_can_be_put_between_two_others()
    {
        NodeProto relu = _editor.Producer("r1")!;
        NodeProto identity = new() { OpType = "Identity", Name = _editor.UniqueName("id"), Input = { "c1" }, Output = { _editor.UniqueName("c1") } };

        _editor.InsertBefore(relu, identity);
        _editor.SetInput(relu, 0, identity.Output[0]);

        Assert.Equal("c1_1", identity.Output[0]);
        Assert.Equal(["Identity"], _editor.Uses("c1").Select(use => use.Node.OpType));
        Assert.Equal(["Relu"], _editor.Uses("c1_1").Select(use => use.Node.OpType));
        Assert.Equal(["Conv", "Identity", "Relu"], _editor.Graph.Node.Take(3).Select(node => node.OpType));
    }

    [Fact]
    public void Names_are_never_given_twice()
    {
        Assert.Equal("w1_1", _editor.UniqueName("w1"));
        Assert.Equal("w1_2", _editor.UniqueName("w1"));
        Assert.Equal("c1_node_1", _editor.UniqueName("c1_node"));
        Assert.Equal("fresh", _editor.UniqueName("fresh"));
    }

    [Fact]
    public void Only_what_nothing_reads_is_dropped()
    {
        NodeProto gemm = _editor.Producer("y")!;
        _editor.SetInput(gemm, 2, "b2");

        Assert.Equal(1, _editor.RemoveUnused());
        Assert.Null(_editor.Initializer("b3"));
        Assert.Equal(0, _editor.RemoveUnused());
    }

    [Fact]
    public void What_a_nested_graph_captures_counts_as_read()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        NodeProto branch = builder.Node("If", ["cond"], "z");
        GraphProto then = new() { Name = "then" };
        then.Node.Add(new NodeProto { OpType = "Identity", Input = { "c1" }, Output = { "inner" } });
        then.Output.Add(new ValueInfoProto { Name = "inner" });
        branch.Attribute.Add(new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = then });
        GraphEditor editor = new(builder.Proto.Graph);

        Assert.Equal(["Relu", "If"], editor.Uses("c1").Select(use => use.Node.OpType));
        Assert.Equal(-1, editor.Uses("c1")[1].Input);
        Assert.Equal("inner_1", editor.UniqueName("inner"));
    }

    [Fact]
    public void A_weight_that_a_caller_may_replace_is_no_constant()
    {
        ModelBuilder builder = ModelBuilder.Classifier().Input("w1", 8, 1, 3, 3);
        GraphEditor editor = new(builder.Proto.Graph);

        Assert.NotNull(editor.Initializer("w1"));
        Assert.Null(editor.Constant("w1"));
        Assert.NotNull(editor.Constant("w2"));
    }
}
