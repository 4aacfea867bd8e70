using EdgeFleet.Onnx;
using EdgeFleet.Onnx.Graphs;
using EdgeFleet.Onnx.Schema;
using EdgeFleet.Onnx.Tensors;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Testing.Graphs;

/// <summary>Writes small ONNX models in a few lines. Weights come from a seed, so that a test sees the same model each time.</summary>
public sealed class ModelBuilder
{
    private readonly ModelProto _model;
    private readonly Random _random;

    public ModelBuilder(int seed = 1, long opset = 13, long irVersion = 7)
    {
        _random = new Random(seed);
        _model = new ModelProto { IrVersion = irVersion, ProducerName = "edgefleet-tests", Graph = new GraphProto { Name = "small" } };
        _model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
    }

    public ModelProto Proto => _model;

    public OnnxModel Build() => new(_model.Clone());

    public byte[] ToBytes() => Build().ToBytes();

    public string Save(string path)
    {
        Build().Save(path);
        return path;
    }

    /// <param name="dims">-1 becomes a dimension named N.</param>
    public ModelBuilder Input(string name, params long[] dims)
    {
        _model.Graph.Input.Add(Info(name, dims));
        return this;
    }

    public ModelBuilder Output(string name, params long[] dims)
    {
        _model.Graph.Output.Add(Info(name, dims));
        return this;
    }

    /// <summary>Adds a node; further attributes can be set on what comes back.</summary>
    public NodeProto Node(string type, string[] inputs, string output)
    {
        NodeProto node = new() { OpType = type, Name = output + "_node" };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        _model.Graph.Node.Add(node);
        return node;
    }

    public ModelBuilder Tensor(TensorProto tensor)
    {
        _model.Graph.Initializer.Add(tensor);
        return this;
    }

    /// <summary>An initializer of normally distributed values.</summary>
    public ModelBuilder Weights(string name, long[] dims, double deviation = 0.5, double mean = 0)
    {
        float[] values = new float[dims.Aggregate(1L, (product, dim) => product * dim)];
        for (int i = 0; i < values.Length; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble()));
            values[i] = (float)(mean + (deviation * radius * Math.Cos(2 * Math.PI * _random.NextDouble())));
        }

        return Tensor(TensorData.Create(name, dims, values));
    }

    /// <summary>x[N,1,8,8] → Conv(3x3) → Relu → Conv → Add (residual) → GlobalAveragePool → Flatten → Gemm → y[N,classes].</summary>
    public static ModelBuilder Classifier(int seed = 1, int channels = 8, int classes = 4)
    {
        ModelBuilder b = new ModelBuilder(seed).Input("x", -1, 1, 8, 8).Output("y", -1, classes);
        b.Weights("w1", [channels, 1, 3, 3]).Weights("b1", [channels], 0.1);
        b.Weights("w2", [channels, channels, 3, 3], 0.2).Weights("b2", [channels], 0.1);
        b.Weights("w3", [classes, channels]).Weights("b3", [classes], 0.1);
        b.Node("Conv", ["x", "w1", "b1"], "c1").With("pads", 1, 1, 1, 1);
        b.Node("Relu", ["c1"], "r1");
        b.Node("Conv", ["r1", "w2", "b2"], "c2").With("pads", 1, 1, 1, 1);
        b.Node("Add", ["c2", "r1"], "a2");
        b.Node("Relu", ["a2"], "r2");
        b.Node("GlobalAveragePool", ["r2"], "p");
        b.Node("Flatten", ["p"], "f");
        b.Node("Gemm", ["f", "w3", "b3"], "y").With("transB", 1L);
        return b;
    }

    private static ValueInfoProto Info(string name, long[] dims)
    {
        TensorShapeProto shape = new();
        foreach (long dim in dims)
        {
            shape.Dim.Add(dim < 0
                ? new TensorShapeProto.Types.Dimension { DimParam = "N" }
                : new TensorShapeProto.Types.Dimension { DimValue = dim });
        }

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float, Shape = shape } },
        };
    }
}
