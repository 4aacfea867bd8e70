using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Graphs;

namespace EdgeFleet.Onnx.Tests.Scanning;

public sealed class ExternalDataScanTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Weights_in_a_listed_file_beside_the_model_are_accepted()
    {
        Directory.CreateDirectory(_folder["sub"]);
        ModelBuilder.Classifier().Build().SaveWithExternalData(_folder["sub/m.onnx"], "m.bin", thresholdBytes: 16);

        ScanResult result = ModelScanner.Scan(_folder.Path, "sub/m.onnx", ["sub/m.onnx", "sub/m.bin"]);

        ModelSummary summary = Assert.IsType<ScanResult.Accepted>(result).Model;
        Assert.Equal("sub/m.bin", Assert.Single(summary.ExternalFiles));
        Assert.Equal(new FileInfo(_folder["sub/m.bin"]).Length, summary.ExternalBytes);
    }

    [Fact]
    public void Weights_in_a_file_that_is_not_listed_are_refused() =>
        AssertRejected(ScanRejection.NotListed, "points to 'm.bin'", _ => { }, ["m.onnx"]);

    [Theory]
    [InlineData("../../etc/shadow")]
    [InlineData("/etc/shadow")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("")]
    [InlineData("a\\b")]
    [InlineData("line\nbreak")]
    public void A_location_that_is_no_plain_file_name_is_refused_even_when_listed(string location) =>
        AssertRejected(ScanRejection.ExternalData, "is not a plain file name", Set("location", location), ["m.onnx", location]);

    [Theory]
    [InlineData("1000000")]
    [InlineData("9223372036854775807")]
    public void Bytes_beyond_the_end_of_the_file_are_refused(string offset) =>
        AssertRejected(ScanRejection.ExternalData, $"bytes at {offset} of 'm.bin'", Set("offset", offset));

    [Theory]
    [InlineData("offset", "-1")]
    [InlineData("offset", "99999999999999999999")]
    [InlineData("length", "many")]
    public void A_size_that_is_none_is_refused(string key, string value) =>
        AssertRejected(ScanRejection.ExternalData, $"{key} is not a size", Set(key, value));

    [Fact]
    public void A_stated_length_that_is_not_what_the_shape_needs_is_refused() =>
        AssertRejected(ScanRejection.TensorSize, "3 bytes stated", Set("length", "3"));

    [Fact]
    public void A_tensor_with_values_in_both_places_is_refused() =>
        AssertRejected(ScanRejection.Malformed, "values in the model and in a file", tensor => tensor.FloatData.Add(1));

    [Fact]
    public void A_key_given_twice_is_refused() =>
        AssertRejected(
            ScanRejection.ExternalData,
            "location is given twice",
            tensor => tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = "m.bin" }));

    [Fact]
    public void A_link_in_the_place_of_the_file_is_refused()
    {
        ModelBuilder.Classifier().Build().SaveWithExternalData(_folder["m.onnx"], "m.bin", thresholdBytes: 16);
        File.Move(_folder["m.bin"], _folder["real.bin"]);
        File.CreateSymbolicLink(_folder["m.bin"], _folder["real.bin"]);

        ScanResult.Rejected rejected = Assert.IsType<ScanResult.Rejected>(ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx", "m.bin"]));

        Assert.Equal(ScanRejection.NotAFile, rejected.Reason);
    }

    private static Action<TensorProto> Set(string key, string value) =>
        tensor => tensor.ExternalData.Single(entry => entry.Key == key).Value = value;

    private void AssertRejected(ScanRejection reason, string detail, Action<TensorProto> change, string[]? listed = null)
    {
        ModelBuilder.Classifier().Build().SaveWithExternalData(_folder["m.onnx"], "m.bin", thresholdBytes: 16);
        ModelProto model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(_folder["m.onnx"]));
        change(model.Graph.Initializer[0]);
        new OnnxModelFile(model).Write(_folder["m.onnx"]);

        ScanResult.Rejected rejected = Assert.IsType<ScanResult.Rejected>(ModelScanner.Scan(_folder.Path, "m.onnx", listed ?? ["m.onnx", "m.bin"]));

        Assert.Equal(reason, rejected.Reason);
        Assert.Contains(detail, rejected.Detail, StringComparison.Ordinal);
    }

    /// <summary>Writes a model as it is, without the sanity of <see cref="OnnxModel.Save"/>.</summary>
    private sealed record OnnxModelFile(ModelProto Model)
    {
        public void Write(string path) => File.WriteAllBytes(path, Google.Protobuf.MessageExtensions.ToByteArray(Model));
    }
}
