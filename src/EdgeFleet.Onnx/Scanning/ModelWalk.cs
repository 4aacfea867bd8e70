using System.Text;
using EdgeFleet.Onnx.Schema;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>
/// One pass over the bytes of a model. It keeps counts, and of the contents only the names of the outer graph's
/// initializers, its inputs and outputs, the operator sets and what external tensors point to; all of it is capped.
/// </summary>
internal sealed class ModelWalk(WireReader reader, ScanLimits limits)
{
    private const int NameBudgetFactor = 1000;
    private const int MaxInterfaceBytes = 64 * 1024;
    private const int MaxInterfaceTensors = 1024;
    private const int MaxOpsetImports = 64;
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private long _messages;
    private long _nameBytes;
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
            if (NextField(rules, end, ref seen) is not var (field, wire))
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
            throw TooLarge($"messages nested more than {limits.MaxMessageDepth} deep");
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
            throw TooLarge($"graphs nested more than {limits.MaxGraphDepth} deep");
        }

        HasGraph = true;
        Structure(MessageRules.Of(GraphProto.Descriptor), end);
        _graphDepth--;
    }

    private void Node(long end)
    {
        if (++Nodes > limits.MaxNodes)
        {
            throw TooLarge($"more than {limits.MaxNodes} nodes");
        }

        MessageRules rules = MessageRules.Of(NodeProto.Descriptor);
        ulong seen = 0;
        string domain = "", operation = "";
        while (reader.Position < end)
        {
            if (NextField(rules, end, ref seen) is not var (field, wire))
            {
                continue;
            }

            switch (field.FieldNumber)
            {
                case NodeProto.OpTypeFieldNumber:
                    operation = Text(end);
                    break;
                case NodeProto.DomainFieldNumber:
                    domain = Text(end);
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
            if (NextField(rules, end, ref seen) is not var (field, wire))
            {
                continue;
            }

            if (field.FieldNumber == OperatorSetIdProto.DomainFieldNumber)
            {
                domain = Text(end);
            }
            else
            {
                version = wire == WireType.Varint ? (long)reader.ReadVarint(end) : throw reader.Malformed("an opset version that is no number");
            }
        }

        // Exporters import every domain that they know, used or not; only nodes make one matter.
        if (Opsets.Count >= MaxOpsetImports)
        {
            throw TooLarge($"more than {MaxOpsetImports} operator sets");
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
            throw TooLarge($"an input or output described in {size} bytes, or more than {MaxInterfaceTensors} of them");
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
            throw TooLarge($"more than {limits.MaxTensors} tensors");
        }

        MessageRules rules = MessageRules.Of(TensorProto.Descriptor);
        TensorScan scan = new(limits);
        ulong seen = 0;
        while (reader.Position < end)
        {
            if (NextField(rules, end, ref seen) is var (field, wire))
            {
                TensorField(rules, field, wire, end, ref scan);
            }
        }

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

    private void TensorField(MessageRules rules, FieldDescriptor field, WireType wire, long end, ref TensorScan scan)
    {
        switch (field.FieldNumber)
        {
            case TensorProto.DimsFieldNumber when wire == WireType.Varint:
                scan.AddDimension((long)reader.ReadVarint(end));
                break;
            case TensorProto.DimsFieldNumber:
                for (long packedEnd = reader.ReadLength(end); reader.Position < packedEnd;)
                {
                    scan.AddDimension((long)reader.ReadVarint(packedEnd));
                }

                break;
            case TensorProto.DataTypeFieldNumber:
                scan.SetDataType(reader.ReadVarint(end));
                break;
            case TensorProto.NameFieldNumber:
                scan.Name = Text(end);
                break;
            case TensorProto.RawDataFieldNumber:
                long rawEnd = reader.ReadLength(end);
                scan.SetRaw(rawEnd - reader.Position);
                reader.SkipTo(rawEnd);
                break;
            case TensorProto.FloatDataFieldNumber:
                scan.AddTyped(DataType.Float, CountValues(sizeof(float), wire, end));
                break;
            case TensorProto.DoubleDataFieldNumber:
                scan.AddTyped(DataType.Double, CountValues(sizeof(double), wire, end));
                break;
            case TensorProto.Int32DataFieldNumber:
                scan.AddTyped(DataType.Int32, CountValues(0, wire, end));
                break;
            case TensorProto.Int64DataFieldNumber:
                scan.AddTyped(DataType.Int64, CountValues(0, wire, end));
                break;
            case TensorProto.Uint64DataFieldNumber:
                scan.AddTyped(DataType.Uint64, CountValues(0, wire, end));
                break;
            case TensorProto.StringDataFieldNumber:
                CountMessage();
                scan.AddTyped(DataType.String, 1);
                reader.Skip(wire, end);
                break;
            case TensorProto.DataLocationFieldNumber:
                ulong location = reader.ReadVarint(end);
                scan.IsExternal = location <= 1
                    ? location == 1
                    : throw reader.Malformed($"tensor '{scan.Name}': data location {location}");
                break;
            case TensorProto.ExternalDataFieldNumber:
                ExternalEntry(reader.ReadLength(end), ref scan);
                break;
            case TensorProto.SegmentFieldNumber:
                throw new ScanRejectedException(ScanRejection.TensorSize, $"tensor '{scan.Name}' is stored in segments");
            default:
                if (field.FieldType == FieldType.Message)
                {
                    Child(rules.Descriptor, field, reader.ReadLength(end));
                }
                else
                {
                    reader.Skip(wire, end);
                }

                break;
        }
    }

    private void ExternalEntry(long end, ref TensorScan scan)
    {
        MessageRules rules = MessageRules.Of(StringStringEntryProto.Descriptor);
        ulong seen = 0;
        string key = "", value = "";
        while (reader.Position < end)
        {
            if (NextField(rules, end, ref seen) is not var (field, _))
            {
                continue;
            }

            if (field.FieldNumber == StringStringEntryProto.KeyFieldNumber)
            {
                key = Text(end);
            }
            else
            {
                value = Text(end);
            }
        }

        scan.AddExternal(key, value);
    }

    private long CountValues(int fixedSize, WireType wire, long end)
    {
        if (wire != WireType.Bytes)
        {
            CountMessage();
            reader.Skip(wire, end);
            return 1;
        }

        long packedEnd = reader.ReadLength(end);
        if (fixedSize > 0)
        {
            long size = packedEnd - reader.Position;
            reader.SkipTo(packedEnd);
            return size % fixedSize == 0 ? size / fixedSize : throw reader.Malformed($"{size} bytes of {fixedSize}-byte values");
        }

        long count = 0;
        for (; reader.Position < packedEnd; count++)
        {
            reader.ReadVarint(packedEnd);
        }

        return count;
    }

    /// <summary>Reads a tag and judges it; null after a field that the schema does not know, which is skipped.</summary>
    private (FieldDescriptor Field, WireType Wire)? NextField(MessageRules rules, long end, ref ulong seen)
    {
        CountMessage();
        (int number, WireType wire) = reader.ReadTag(end);
        if (rules.Field(number) is not { } field)
        {
            reader.Skip(wire, end);
            return null;
        }

        if (!MessageRules.Accepts(field, wire))
        {
            throw reader.Malformed($"{rules.Descriptor.Name}.{field.Name} stored as {wire}");
        }

        // Protobuf merges a message that comes twice; then what was checked apart would be used together.
        ulong bit = 1UL << number;
        if (!field.IsRepeated && (seen & bit) != 0)
        {
            throw reader.Malformed($"{rules.Descriptor.Name}.{field.Name} is given twice");
        }

        seen |= bit;
        return (field, wire);
    }

    private void CountMessage()
    {
        if (++_messages > limits.MaxMessages)
        {
            throw TooLarge($"more than {limits.MaxMessages} fields");
        }
    }

    private string Text(long end)
    {
        long textEnd = reader.ReadLength(end);
        long size = textEnd - reader.Position;
        _nameBytes += size;
        if (size > limits.MaxNameBytes || _nameBytes > (long)limits.MaxNameBytes * NameBudgetFactor)
        {
            throw TooLarge($"a name of {size} bytes, {_nameBytes} bytes of names so far");
        }

        try
        {
            return s_strictUtf8.GetString(reader.ReadBytes((int)size));
        }
        catch (DecoderFallbackException)
        {
            throw reader.Malformed("a name that is not UTF-8");
        }
    }

    private string AllowedDomains() =>
        string.Join(", ", limits.AllowedDomains.Where(domain => domain.Length > 0).Order(StringComparer.Ordinal));

    private ScanRejectedException TooLarge(string what) =>
        new(ScanRejection.TooLarge, $"byte {reader.Position} of {reader.Length}: {what}");
}
