using EdgeFleet.Onnx.Contracts;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Graphs;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Tests.Scanning;

public sealed class ModelScannerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_sound_model_is_accepted_with_its_summary_and_contract()
    {
        OnnxModel model = ModelBuilder.Classifier().Build();

        ModelSummary summary = Accept(model);

        Assert.Equal(8, summary.Nodes);
        Assert.Equal(6, summary.Tensors);
        Assert.Equal(model.Graph.Initializer.Sum(tensor => (long)tensor.RawData.Length), summary.ParameterBytes);
        Assert.Equal(13, summary.Opsets[""]);
        Assert.Equal(ContractReader.Read(model), summary.Contract);
        Assert.Equal(model.ToBytes().Length, summary.SizeBytes);
    }

    [Fact]
    public void Real_models_are_accepted_and_written_back_unchanged()
    {
        foreach (string path in SharedFiles.List("models", "*.onnx"))
        {
            string name = Path.GetFileName(path);
            ModelSummary summary = Assert.IsType<ScanResult.Accepted>(ModelScanner.Scan(Path.GetDirectoryName(path)!, name, [name])).Model;
            OnnxModel model = OnnxModel.Load(path);

            // Nodes of nested graphs count too.
            Assert.True(summary.Nodes >= model.Graph.Node.Count, name);
            Assert.Equal(ContractReader.Read(model), summary.Contract);
            Assert.Equal(model.Proto, ModelProto.Parser.ParseFrom(model.ToBytes()));
        }
    }

    [Fact]
    public void Values_in_typed_lists_packed_or_not_are_counted()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Tensor(new TensorProto { Name = "f", DataType = (int)DataType.Float, Dims = { 3 }, FloatData = { 1, 2, 3 } });
        builder.Tensor(new TensorProto { Name = "i", DataType = (int)DataType.Int64, Dims = { 2, 2 }, Int64Data = { 1, -1, 300, long.MaxValue } });
        builder.Tensor(new TensorProto { Name = "h", DataType = (int)DataType.Float16, Dims = { 2 }, Int32Data = { 1, 70 } });
        builder.Tensor(new TensorProto { Name = "n", DataType = (int)DataType.Int4, Dims = { 3 }, Int32Data = { 0x21, 0x03 } });

        Assert.Equal(10, Accept(builder.Build()).Tensors);
    }

    [Fact]
    public void A_file_that_the_manifest_does_not_list_is_not_opened()
    {
        ModelBuilder.Classifier().Save(_folder["m.onnx"]);

        AssertRejected(ScanRejection.NotListed, "'m.onnx'", ModelScanner.Scan(_folder.Path, "m.onnx", ["other.onnx"]));
    }

    [Fact]
    public void A_link_and_a_missing_file_are_no_models()
    {
        ModelBuilder.Classifier().Save(_folder["m.onnx"]);
        File.CreateSymbolicLink(_folder["link.onnx"], _folder["m.onnx"]);

        AssertRejected(ScanRejection.NotAFile, "a link", ModelScanner.Scan(_folder.Path, "link.onnx", ["link.onnx"]));
        AssertRejected(ScanRejection.NotAFile, "missing", ModelScanner.Scan(_folder.Path, "no.onnx", ["no.onnx"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("hello, this is a text")]
    public void Bytes_that_are_no_model_are_malformed(string content)
    {
        _folder.Write("m.onnx", content);

        AssertRejected(ScanRejection.Malformed, "'m.onnx'", ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"]));
    }

    [Fact]
    public void A_shape_that_needs_more_than_the_bytes_there_is_refused()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        TensorProto bomb = TensorData.Create("bomb", [1], new float[] { 1 });
        bomb.Dims[0] = 1L << 40;
        builder.Tensor(bomb);

        AssertRejected(ScanRejection.TensorSize, "tensor 'bomb': 4 bytes stored, its shape needs 4398046511104", Scan(builder));
    }

    [Fact]
    public void A_shape_whose_product_wraps_around_is_refused()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Tensor(new TensorProto { Name = "wrap", DataType = (int)DataType.Float, Dims = { long.MaxValue, long.MaxValue, 4 } });

        AssertRejected(ScanRejection.TensorSize, "its shape has no size", Scan(builder));
    }

    [Fact]
    public void A_constant_in_a_nested_graph_is_checked_too()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        GraphProto then = new() { Name = "then" };
        then.Initializer.Add(new TensorProto { Name = "hidden", DataType = (int)DataType.Float, Dims = { 5 } });
        builder.Node("If", ["x"], "z").Attribute.Add(
            new AttributeProto { Name = "then_branch", Type = AttributeProto.Types.AttributeType.Graph, G = then });

        AssertRejected(ScanRejection.TensorSize, "tensor 'hidden'", Scan(builder));
    }

    [Fact]
    public void An_operator_of_a_domain_that_is_not_on_the_list_is_refused()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Node("RunAnything", ["x"], "z").Domain = "evil.example";

        AssertRejected(ScanRejection.OperatorNotAllowed, "operator 'RunAnything' of domain 'evil.example'", Scan(builder));
        Assert.Empty(Accept(builder.Build(), ScanLimits.Default with { AllowedDomains = ["", "evil.example"] }).ExternalFiles);
    }

    [Fact]
    public void Functions_that_the_model_brings_are_refused()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.Functions.Add(new FunctionProto { Name = "f", Domain = "" });

        AssertRejected(ScanRejection.OperatorNotAllowed, "functions", Scan(builder));
    }

    [Fact]
    public void Sparse_tensors_are_refused()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.Graph.SparseInitializer.Add(new SparseTensorProto { Dims = { 1L << 40 } });

        AssertRejected(ScanRejection.TensorSize, "sparse", Scan(builder));
    }

    [Fact]
    public void A_message_given_twice_is_refused_because_a_parser_would_merge_both()
    {
        // The first copy is sound; merged with the second, the tensor has two dimensions and the bytes of one.
        byte[] model = ModelBuilder.Classifier().ToBytes();
        byte[] emptyGraph = [0x3A, 0x00];
        _folder.Write("m.onnx", [.. model, .. emptyGraph]);

        AssertRejected(ScanRejection.Malformed, "graph is given twice", ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"]));
    }

    [Fact]
    public void Graphs_in_graphs_end_at_the_limit()
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        GraphProto inner = new() { Name = "innermost" };
        for (int i = 0; i < 20; i++)
        {
            NodeProto node = new() { OpType = "If" };
            node.Attribute.Add(new AttributeProto { Name = "then_branch", G = inner });
            inner = new GraphProto { Name = $"g{i}" };
            inner.Node.Add(node);
        }

        builder.Node("If", ["x"], "z").Attribute.Add(new AttributeProto { Name = "then_branch", G = inner });

        AssertRejected(ScanRejection.TooLarge, "nested", Scan(builder));
    }

    [Fact]
    public void Types_in_types_end_at_the_limit_before_a_parser_does()
    {
        TypeProto type = new() { TensorType = new TypeProto.Types.Tensor { ElemType = 1 } };
        for (int i = 0; i < 60; i++)
        {
            type = new TypeProto { SequenceType = new TypeProto.Types.Sequence { ElemType = type } };
        }

        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.Graph.ValueInfo.Add(new ValueInfoProto { Name = "deep", Type = type });

        AssertRejected(ScanRejection.TooLarge, "messages nested more than 64 deep", Scan(builder));
    }

    [Theory]
    [InlineData(7, "more than 7 nodes")]
    public void More_nodes_than_allowed_are_refused(int limit, string detail)
    {
        ModelBuilder builder = ModelBuilder.Classifier();

        AssertRejected(ScanRejection.TooLarge, detail, Scan(builder, ScanLimits.Default with { MaxNodes = limit }));
        Assert.Equal(limit + 1, Accept(builder.Build(), ScanLimits.Default with { MaxNodes = limit + 1 }).Nodes);
    }

    [Fact]
    public void Two_bytes_per_message_do_not_make_a_bomb()
    {
        // Four million empty nodes in 8 MB would be gigabytes of objects in a parser.
        MemoryStream graph = new();
        for (int i = 0; i < 300_000; i++)
        {
            graph.Write([0x6A, 0x00]); // an empty value_info
        }

        ModelBuilder builder = ModelBuilder.Classifier();
        byte[] model = builder.ToBytes();
        byte[] bytes = [0x08, 0x07, 0x3A, .. Varint((ulong)graph.Length), .. graph.ToArray(), .. model[2..2]];
        _folder.Write("m.onnx", bytes);

        ScanResult result = ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"], ScanLimits.Default with { MaxMessages = 100_000 });

        AssertRejected(ScanRejection.TooLarge, "more than 100000 fields", result);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(99)]
    public void An_unknown_version_of_the_format_is_refused(long version) =>
        AssertRejected(ScanRejection.UnsupportedVersion, $"IR version {version}", Scan(Versioned(version)));

    private static ModelBuilder Versioned(long version)
    {
        ModelBuilder builder = ModelBuilder.Classifier();
        builder.Proto.IrVersion = version;
        return builder;
    }

    private static byte[] Varint(ulong value)
    {
        List<byte> bytes = [];
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        return [.. bytes, (byte)value];
    }

    private ModelSummary Accept(OnnxModel model, ScanLimits? limits = null)
    {
        model.Save(_folder["m.onnx"]);
        return Assert.IsType<ScanResult.Accepted>(ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"], limits)).Model;
    }

    private ScanResult Scan(ModelBuilder builder, ScanLimits? limits = null)
    {
        builder.Save(_folder["m.onnx"]);
        return ModelScanner.Scan(_folder.Path, "m.onnx", ["m.onnx"], limits);
    }

    private static void AssertRejected(ScanRejection reason, string detail, ScanResult result)
    {
        ScanResult.Rejected rejected = Assert.IsType<ScanResult.Rejected>(result);
        Assert.Equal(reason, rejected.Reason);
        Assert.Contains(detail, rejected.Detail, StringComparison.Ordinal);
    }
}
