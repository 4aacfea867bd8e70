using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Graphs;
using Google.Protobuf;

namespace EdgeFleet.Onnx.Tests;

public sealed class OnnxModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_that_is_read_and_written_has_the_same_bytes()
    {
        byte[] bytes = ModelBuilder.Classifier().ToBytes();

        Assert.Equal(bytes, OnnxModel.Parse(bytes, "m").ToBytes());
    }

    [Fact]
    public void Fields_that_the_schema_does_not_know_are_written_back()
    {
        // ModelProto.configuration (26) is of a later version of the format.
        byte[] unknown = [0xD2, 0x01, 0x03, 0x0A, 0x01, 0x41];
        byte[] bytes = [.. ModelBuilder.Classifier().ToBytes(), .. unknown];

        Assert.Equal(bytes, OnnxModel.Parse(bytes, "m").ToBytes());
    }

    [Fact]
    public void An_attribute_of_zero_stays_present()
    {
        NodeProto node = new() { OpType = "Flatten" };
        node.Attribute.Add(new AttributeProto { Name = "axis", Type = AttributeProto.Types.AttributeType.Int, I = 0 });

        Assert.True(NodeProto.Parser.ParseFrom(node.ToByteArray()).Attribute[0].HasI);
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is a text file and no model")]
    public void What_is_no_model_is_refused_with_its_name_and_size(string content)
    {
        string path = _folder.Write("wrong.onnx", content);

        InvalidModelException error = Assert.Throws<InvalidModelException>(() => OnnxModel.Load(path));

        Assert.Contains("wrong.onnx", error.Message, StringComparison.Ordinal);
        Assert.Contains($"{content.Length} bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_model_is_refused()
    {
        byte[] bytes = ModelBuilder.Classifier().ToBytes();

        Assert.Throws<InvalidModelException>(() => OnnxModel.Parse(bytes[..(bytes.Length / 2)], "m"));
    }

    [Fact]
    public void The_opset_of_the_default_domain_is_found_under_both_its_names()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();
        Assert.Equal(13, model.OpsetVersion());

        model.Proto.OpsetImport[0].Domain = "ai.onnx";
        Assert.Equal(13, model.OpsetVersion());
        Assert.Null(model.OpsetVersion("com.microsoft"));
    }

    [Fact]
    public void Weights_written_beside_the_model_are_read_back_equal_and_aligned()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();
        string path = _folder["big.onnx"];

        model.SaveWithExternalData(path, "big.weights", thresholdBytes: 256);
        OnnxModel loaded = OnnxModel.Load(path);

        Assert.Equal(["big.weights"], loaded.ExternalFiles());
        TensorProto moved = loaded.Graph.Initializer.Single(tensor => tensor.Name == "w2");
        Assert.False(moved.HasRawData);
        Assert.Equal(0, long.Parse(moved.ExternalData.Single(entry => entry.Key == "offset").Value, null) % 4096);
        TensorProto original = model.Graph.Initializer.Single(tensor => tensor.Name == "w2");
        Assert.Equal(TensorData.Floats(original), TensorData.Floats(moved, loaded.Folder));
    }

    [Fact]
    public void Saving_as_one_file_brings_external_data_home()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();
        model.SaveWithExternalData(_folder["big.onnx"], "big.weights", thresholdBytes: 16);

        OnnxModel.Load(_folder["big.onnx"]).Save(_folder["whole.onnx"]);

        Assert.Empty(OnnxModel.Load(_folder["whole.onnx"]).ExternalFiles());
        Assert.Equal(model.ToBytes(), File.ReadAllBytes(_folder["whole.onnx"]));
    }

    [Fact]
    public void External_data_that_ends_too_early_is_named()
    {
        ModelBuilder.Classifier().Build().SaveWithExternalData(_folder["big.onnx"], "big.weights", thresholdBytes: 16);
        File.WriteAllBytes(_folder["big.weights"], new byte[10]);
        OnnxModel loaded = OnnxModel.Load(_folder["big.onnx"]);

        InvalidModelException error = Assert.Throws<InvalidModelException>(() => TensorData.Floats(loaded.Graph.Initializer[0], loaded.Folder));

        Assert.Contains("'w1'", error.Message, StringComparison.Ordinal);
        Assert.Contains("big.weights", error.Message, StringComparison.Ordinal);
    }
}
