using EdgeFleet.Onnx.Schema;
using Google.Protobuf.Reflection;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>Reads one tensor message without its values: names and numbers into a <see cref="TensorScan"/>, lists only counted.</summary>
internal sealed class TensorFields(FieldCursor cursor)
{
    private readonly WireReader _reader = cursor.Reader;

    public TensorScan Read(long end)
    {
        MessageRules rules = MessageRules.Of(TensorProto.Descriptor);
        TensorScan scan = new(cursor.Limits);
        ulong seen = 0;
        while (_reader.Position < end)
        {
            if (cursor.NextField(rules, end, ref seen) is var (field, wire))
            {
                ReadField(field, wire, end, ref scan);
            }
        }

        return scan;
    }

    private void ReadField(FieldDescriptor field, WireType wire, long end, ref TensorScan scan)
    {
        switch (field.FieldNumber)
        {
            case TensorProto.DimsFieldNumber when wire == WireType.Varint:
                scan.AddDimension((long)_reader.ReadVarint(end));
                break;
            case TensorProto.DimsFieldNumber:
                for (long packedEnd = _reader.ReadLength(end); _reader.Position < packedEnd;)
                {
                    scan.AddDimension((long)_reader.ReadVarint(packedEnd));
                }

                break;
            case TensorProto.DataTypeFieldNumber:
                scan.SetDataType(_reader.ReadVarint(end));
                break;
            case TensorProto.NameFieldNumber:
                scan.Name = cursor.Text(end);
                break;
            case TensorProto.RawDataFieldNumber:
                long rawEnd = _reader.ReadLength(end);
                scan.SetRaw(rawEnd - _reader.Position);
                _reader.SkipTo(rawEnd);
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
                cursor.Count();
                scan.AddTyped(DataType.String, 1);
                _reader.Skip(wire, end);
                break;
            case TensorProto.DataLocationFieldNumber:
                ulong location = _reader.ReadVarint(end);
                scan.IsExternal = location <= 1
                    ? location == 1
                    : throw _reader.Malformed($"tensor '{scan.Name}': data location {location}");
                break;
            case TensorProto.ExternalDataFieldNumber:
                ExternalEntry(_reader.ReadLength(end), ref scan);
                break;
            case TensorProto.SegmentFieldNumber:
                throw new ScanRejectedException(ScanRejection.TensorSize, $"tensor '{scan.Name}' is stored in segments");
            default:
                // Documentation and metadata: short, and counted as one field each.
                _reader.Skip(wire, end);
                break;
        }
    }

    private void ExternalEntry(long end, ref TensorScan scan)
    {
        MessageRules rules = MessageRules.Of(StringStringEntryProto.Descriptor);
        ulong seen = 0;
        string key = "", value = "";
        while (_reader.Position < end)
        {
            if (cursor.NextField(rules, end, ref seen) is not var (field, _))
            {
                continue;
            }

            if (field.FieldNumber == StringStringEntryProto.KeyFieldNumber)
            {
                key = cursor.Text(end);
            }
            else
            {
                value = cursor.Text(end);
            }
        }

        scan.AddExternal(key, value);
    }

    private long CountValues(int fixedSize, WireType wire, long end)
    {
        if (wire != WireType.Bytes)
        {
            cursor.Count();
            _reader.Skip(wire, end);
            return 1;
        }

        long packedEnd = _reader.ReadLength(end);
        if (fixedSize > 0)
        {
            long size = packedEnd - _reader.Position;
            _reader.SkipTo(packedEnd);
            return size % fixedSize == 0 ? size / fixedSize : throw _reader.Malformed($"{size} bytes of {fixedSize}-byte values");
        }

        long count = 0;
        for (; _reader.Position < packedEnd; count++)
        {
            _reader.ReadVarint(packedEnd);
        }

        return count;
    }
}
