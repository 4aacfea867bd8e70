using EdgeFleet.Onnx.Schema;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>
/// One pass over the bytes of a model. It keeps counts, and of the contents only the names of the outer graph's
/// initializers, its inputs and outputs, the operator sets and what external tensors point to; all of it is capped.
/// </summary>
internal sealed class ModelWalk(WireReader reader, ScanLimits limits)
{
    private readonly FieldCursor _cursor = new(reader, limits);
    private const int MaxInterfaceBytes = 64 * 1024;
    private const int MaxInterfaceTensors = 1024;
    private const int MaxOpsetImports = 64;
    private int _messageDepth;
    private int _graphDepth;

    public int Nodes { get; private set; }

    public int Tensors { get; private set; }

    public long ParameterBytes { get; private set; }

    public long IrVersion { get; private set; }

    public bool HasGraph { get; private set; }

    public SortedDictionary<string, long> Opsets { get; } = new(StringComparer.Ordinal);

    public List<ValueInfoProto> Inputs { get; } = [];

    public List<ValueInfoProto> Outputs { get; } = [];

    public HashSet<string> Initializers { get; } = [];

    public List<ExternalTensor> External { get; } = [];

    public void Run()
    {
        Structure(MessageRules.Of(ModelProto.Descriptor), reader.Length);
        if (!HasGraph || IrVersion == 0)
        {
            throw new ScanRejectedException(ScanRejection.Malformed, $"the {reader.Length} bytes hold no {(HasGraph ? "IR version" : "graph")}: not an ONNX model");
        }
    }

    /// <summary>Walks a message; those that mean something here are handled field by field, the others only counted.</summary>
    private void Structure(MessageRules rules, long end)
    {
        ulong seen = 0;
        while (reader.Position < end)
        {
            if (_cursor.NextField(rules, end, ref seen) is not var (field, wire))
            {
                continue;
            }

            if (field.FieldType == FieldType.Message)
            {
                Child(rules.Descriptor, field, reader.ReadLength(end));
            }
            else if (rules.Descriptor == ModelProto.Descriptor && field.FieldNumber == ModelProto.IrVersionFieldNumber)
            {
                IrVersion = (long)reader.ReadVarint(end);
            }
            else
            {
                reader.Skip(wire, end);
            }
        }
    }

    private void Child(MessageDescriptor parent, FieldDescriptor field, long end)
    {
        if (++_messageDepth > limits.MaxMessageDepth)
        {
            throw _cursor.TooLarge($"messages nested more than {limits.MaxMessageDepth} deep");
        }

        MessageDescriptor type = field.MessageType;
        if (type == GraphProto.Descriptor)
        {
            Graph(end);
        }
        else if (type == NodeProto.Descriptor)
        {
            Node(end);
        }
        else if (type == TensorProto.Descriptor)
        {
            Tensor(end, isOuterInitializer: parent == GraphProto.Descriptor && _graphDepth == 1);
        }
        else if (type == OperatorSetIdProto.Descriptor)
        {
            Opset(end);
        }
        else if (type == ValueInfoProto.Descriptor && _graphDepth == 1 && IsInterface(field))
        {
            Interface(field, end);
        }
        else if (type == FunctionProto.Descriptor)
        {
            throw new ScanRejectedException(ScanRejection.OperatorNotAllowed, "the model brings functions of its own; export it with functions inlined");
        }
        else if (type == SparseTensorProto.Descriptor)
        {
            throw new ScanRejectedException(ScanRejection.TensorSize, "the model has a sparse tensor, whose size in memory its bytes do not bound");
        }
        else
        {
            Structure(MessageRules.Of(type), end);
        }

        _messageDepth--;
    }

    private void Graph(long end)
    {
        if (++_graphDepth > limits.MaxGraphDepth)
        {
            throw _cursor.TooLarge($"graphs nested more than {limits.MaxGraphDepth} deep");
        }

        HasGraph = true;
        Structure(MessageRules.Of(GraphProto.Descriptor), end);
        _graphDepth--;
    }

    private void Node(long end)
    {
        if (++Nodes > limits.MaxNodes)
        {
            throw _cursor.TooLarge($"more than {limits.MaxNodes} nodes");
        }

        MessageRules rules = MessageRules.Of(NodeProto.Descriptor);
        ulong seen = 0;
        string domain = "", operation = "";
        while (reader.Position < end)
        {
            if (_cursor.NextField(rules, end, ref seen) is not var (field, wire))
            {
                continue;
            }

            switch (field.FieldNumber)
            {
                case NodeProto.OpTypeFieldNumber:
                    operation = _cursor.Text(end);
                    break;
                case NodeProto.DomainFieldNumber:
                    domain = _cursor.Text(end);
                    break;
                case NodeProto.AttributeFieldNumber or NodeProto.MetadataPropsFieldNumber:
                    Child(rules.Descriptor, field, reader.ReadLength(end));
                    break;
                default:
                    reader.Skip(wire, end);
                    break;
            }
        }

        if (!limits.AllowedDomains.Contains(domain))
        {
            throw new ScanRejectedException(ScanRejection.OperatorNotAllowed, $"node {Nodes}: operator '{operation}' of domain '{domain}'; allowed: {AllowedDomains()}");
        }
    }

    private void Opset(long end)
    {
        MessageRules rules = MessageRules.Of(OperatorSetIdProto.Descriptor);
        ulong seen = 0;
        string domain = "";
        long version = 0;
        while (reader.Position < end)
        {
            if (_cursor.NextField(rules, end, ref seen) is not var (field, wire))
            {
                continue;
            }

            if (field.FieldNumber == OperatorSetIdProto.DomainFieldNumber)
            {
                domain = _cursor.Text(end);
            }
            else
            {
                version = wire == WireType.Varint ? (long)reader.ReadVarint(end) : throw reader.Malformed("an opset version that is no number");
            }
        }

        // Exporters import every domain that they know, used or not; only nodes make one matter.
        if (Opsets.Count >= MaxOpsetImports)
        {
            throw _cursor.TooLarge($"more than {MaxOpsetImports} operator sets");
        }

        Opsets[domain == "ai.onnx" ? "" : domain] = version;
    }

    private static bool IsInterface(FieldDescriptor field) =>
        field.ContainingType == GraphProto.Descriptor
        && field.FieldNumber is GraphProto.InputFieldNumber or GraphProto.OutputFieldNumber;

    private void Interface(FieldDescriptor field, long end)
    {
        long size = end - reader.Position;
        if (size > MaxInterfaceBytes || Inputs.Count + Outputs.Count >= MaxInterfaceTensors + Tensors)
        {
            throw _cursor.TooLarge($"an input or output described in {size} bytes, or more than {MaxInterfaceTensors} of them");
        }

        long start = reader.Position;
        // First as any message, for the counts and the strictness; then for what it says.
        Structure(MessageRules.Of(ValueInfoProto.Descriptor), end);
        reader.SkipTo(start);
        try
        {
            ValueInfoProto value = ValueInfoProto.Parser.ParseFrom(reader.ReadBytes((int)size));
            (field.FieldNumber == GraphProto.InputFieldNumber ? Inputs : Outputs).Add(value);
        }
        catch (InvalidProtocolBufferException ex)
        {
            throw reader.Malformed(ex.Message);
        }
    }

    private void Tensor(long end, bool isOuterInitializer)
    {
        if (++Tensors > limits.MaxTensors)
        {
            throw _cursor.TooLarge($"more than {limits.MaxTensors} tensors");
        }

        TensorScan scan = new TensorFields(_cursor).Read(end);
        long bytes = scan.Check();
        ParameterBytes += bytes;
        if (scan.IsExternal)
        {
            External.Add(new ExternalTensor(scan.Name, scan.Location, scan.Offset, scan.StatedLength, bytes));
        }

        if (isOuterInitializer)
        {
            Initializers.Add(scan.Name);
        }
    }

    private string AllowedDomains() =>
        string.Join(", ", limits.AllowedDomains.Where(domain => domain.Length > 0).Order(StringComparer.Ordinal));
}
