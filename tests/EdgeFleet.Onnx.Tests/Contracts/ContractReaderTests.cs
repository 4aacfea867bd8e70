using EdgeFleet.Core.Artifacts;
using EdgeFleet.Onnx.Contracts;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Onnx.Tests.Contracts;

public sealed class ContractReaderTests
{
    [Fact]
    public void The_contract_has_names_types_and_shapes_with_free_dimensions()
    {
        ModelContract contract = ContractReader.Read(ModelBuilder.Classifier().Build());

        Assert.Equal("x:FP32[-1,1,8,8]", Assert.Single(contract.Inputs).ToString());
        Assert.Equal("y:FP32[-1,4]", Assert.Single(contract.Outputs).ToString());
    }

    [Fact]
    public void Weights_that_are_also_listed_as_inputs_are_left_out()
    {
        ModelBuilder builder = ModelBuilder.Classifier().Input("w1", 8, 1, 3, 3);

        Assert.Equal(["x"], ContractReader.Read(builder.Build()).Inputs.Select(input => input.Name));
    }

    [Fact]
    public void An_input_that_is_no_tensor_is_refused_by_name()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.Graph.Input[0].Type = new TypeProto { SequenceType = new TypeProto.Types.Sequence() };

        InvalidModelException error = Assert.Throws<InvalidModelException>(() => ContractReader.Read(builder.Build()));

        Assert.Equal("input 'x' is not a tensor", error.Message);
    }
}
