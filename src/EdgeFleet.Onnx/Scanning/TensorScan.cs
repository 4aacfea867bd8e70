using System.Globalization;
using EdgeFleet.Onnx.Tensors;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>
/// Gathers what one tensor message says and compares its shape with its bytes: a small file must not make a runtime
/// allocate a large tensor, nor read past a short one.
/// </summary>
internal struct TensorScan(ScanLimits limits)
{
    private readonly ScanLimits _limits = limits;
    private int _rank;
    private bool _empty;
    private UInt128 _elements = 1;
    private int _dataType;
    private long? _rawBytes;
    private long _typedValues;
    private DataType _typedField = DataType.Undefined;

    public string Name { get; set; } = "";

    public bool IsExternal { get; set; }

    public string? Location { get; private set; }

    public long Offset { get; private set; }

    public long? StatedLength { get; private set; }

    /// <summary>Takes one key and value of a tensor that lies in another file; a key given twice is refused.</summary>
    public void AddExternal(string key, string value)
    {
        bool isNew = key switch
        {
            "location" => Location is null,
            "offset" => Offset == 0,
            "length" => StatedLength is null,
            // The format knows more keys (checksum, basepath); none of them says where the bytes are.
            _ => true,
        };
        if (!isNew)
        {
            throw new ScanRejectedException(ScanRejection.ExternalData, $"tensor '{Name}': {key} is given twice");
        }

        switch (key)
        {
            case "location":
                Location = value;
                break;
            case "offset":
                Offset = Size(key, value);
                break;
            case "length":
                StatedLength = Size(key, value);
                break;
        }
    }

    public void AddDimension(long dim)
    {
        if (++_rank > _limits.MaxRank)
        {
            throw new ScanRejectedException(ScanRejection.TooLarge, $"tensor '{Name}': more than {_limits.MaxRank} dimensions");
        }

        if (dim < 0)
        {
            throw new ScanRejectedException(ScanRejection.TensorSize, $"tensor '{Name}': dimension {dim}");
        }

        _empty |= dim == 0;
        _elements *= dim == 0 ? 1 : (UInt128)dim;
        // Products of 32 dimensions could wrap round even here, so the cap is checked at each step.
        if (_elements > long.MaxValue / 16)
        {
            throw new ScanRejectedException(ScanRejection.TensorSize, $"tensor '{Name}': its shape has no size");
        }
    }

    public void SetDataType(ulong value) => _dataType = value <= int.MaxValue ? (int)value : -1;

    public void SetRaw(long bytes) => _rawBytes = bytes;

    /// <summary>Counts values of one of the typed lists; a tensor may use one of them only.</summary>
    public void AddTyped(DataType list, long count)
    {
        if (count > 0 && _typedField != DataType.Undefined && _typedField != list)
        {
            throw new ScanRejectedException(ScanRejection.Malformed, $"tensor '{Name}': values in two lists");
        }

        _typedField = list;
        _typedValues += count;
    }

    /// <summary>Checks the whole; returns the bytes that the tensor takes in memory.</summary>
    public readonly long Check()
    {
        long elements = _empty ? 0 : (long)_elements;
        if (TensorSize.BitsPerElement(_dataType) is not { } bits)
        {
            throw new ScanRejectedException(ScanRejection.TensorSize, $"tensor '{Name}': element type {_dataType} is not known");
        }

        long bytes = ((elements * bits) + 7) / 8;
        if (IsExternal)
        {
            if (_rawBytes > 0 || _typedValues > 0)
            {
                throw new ScanRejectedException(ScanRejection.Malformed, $"tensor '{Name}': values in the model and in a file beside it");
            }

            return bits > 0
                ? bytes
                : throw new ScanRejectedException(ScanRejection.ExternalData, $"tensor '{Name}': strings cannot lie in another file");
        }

        if (_rawBytes is { } raw)
        {
            if (bits == 0 || _typedValues > 0)
            {
                throw new ScanRejectedException(ScanRejection.Malformed, $"tensor '{Name}': raw bytes beside typed values, or for strings");
            }

            return raw == bytes ? bytes : throw Mismatch($"{raw} bytes stored, its shape needs {bytes}");
        }

        if (_typedValues > 0 && _typedField != ListOf((DataType)_dataType))
        {
            throw Mismatch($"{(DataType)_dataType} values in the list for {_typedField}");
        }

        long expected = ExpectedTypedValues(elements, bits);
        return _typedValues == expected
            ? bytes
            : throw Mismatch($"{_typedValues} values stored, its shape needs {expected}");
    }

    private readonly long Size(string key, string value) =>
        long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long size)
            ? size
            : throw new ScanRejectedException(ScanRejection.ExternalData, $"tensor '{Name}': {key} is not a size");

    /// <summary>Complex numbers are stored as two values; types below a byte are packed, several to a stored int32.</summary>
    private readonly long ExpectedTypedValues(long elements, int bits) => (DataType)_dataType switch
    {
        DataType.Complex64 or DataType.Complex128 => elements * 2,
        _ when bits is > 0 and < 8 => ((elements * bits) + 7) / 8,
        _ => elements,
    };

    /// <summary>Which of the typed lists holds the values of a type.</summary>
    private static DataType ListOf(DataType type) => type switch
    {
        DataType.Float or DataType.Complex64 => DataType.Float,
        DataType.Double or DataType.Complex128 => DataType.Double,
        DataType.Int64 => DataType.Int64,
        DataType.Uint32 or DataType.Uint64 => DataType.Uint64,
        DataType.String => DataType.String,
        _ => DataType.Int32,
    };

    private readonly ScanRejectedException Mismatch(string what) =>
        new(ScanRejection.TensorSize, $"tensor '{Name}': {what}");
}
