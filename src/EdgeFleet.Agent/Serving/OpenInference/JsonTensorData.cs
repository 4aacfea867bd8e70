using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>
/// Tensor data inside JSON: a flat or a nested array, row-major either way. BF16 has no JSON form in the protocol and goes
/// as binary data only.
/// </summary>
internal static class JsonTensorData
{
    /// <exception cref="RequestException">A value is not of the type, or there are too many or too few.</exception>
    public static void Read(ReadOnlySpan<byte> array, string inputName, string elementType, Span<byte> target)
    {
        switch (elementType)
        {
            case "FP32": ReadNumbers<float>(array, inputName, elementType, target); break;
            case "FP64": ReadNumbers<double>(array, inputName, elementType, target); break;
            case "FP16": ReadNumbers<Half>(array, inputName, elementType, target); break;
            case "UINT8": ReadNumbers<byte>(array, inputName, elementType, target); break;
            case "INT8": ReadNumbers<sbyte>(array, inputName, elementType, target); break;
            case "UINT16": ReadNumbers<ushort>(array, inputName, elementType, target); break;
            case "INT16": ReadNumbers<short>(array, inputName, elementType, target); break;
            case "UINT32": ReadNumbers<uint>(array, inputName, elementType, target); break;
            case "INT32": ReadNumbers<int>(array, inputName, elementType, target); break;
            case "UINT64": ReadNumbers<ulong>(array, inputName, elementType, target); break;
            case "INT64": ReadNumbers<long>(array, inputName, elementType, target); break;
            case "BOOL": ReadBooleans(array, inputName, target); break;
            default: throw RequestException.BadRequest($"input '{inputName}' is {elementType}, which has no form in JSON; send it as binary data");
        }
    }

    /// <summary>Writes a flat array. JSON has no infinity and no not-a-number: such a value is null.</summary>
    public static void Write(Utf8JsonWriter writer, string outputName, string elementType, ReadOnlySpan<byte> data)
    {
        writer.WriteStartArray();
        switch (elementType)
        {
            case "FP32": WriteReals(writer, MemoryMarshal.Cast<byte, float>(data)); break;
            case "FP64": WriteReals(writer, MemoryMarshal.Cast<byte, double>(data)); break;
            case "FP16": WriteReals(writer, MemoryMarshal.Cast<byte, Half>(data)); break;
            case "UINT8": WriteWhole(writer, data); break;
            case "INT8": WriteWhole(writer, MemoryMarshal.Cast<byte, sbyte>(data)); break;
            case "UINT16": WriteWhole(writer, MemoryMarshal.Cast<byte, ushort>(data)); break;
            case "INT16": WriteWhole(writer, MemoryMarshal.Cast<byte, short>(data)); break;
            case "UINT32": WriteWhole(writer, MemoryMarshal.Cast<byte, uint>(data)); break;
            case "INT32": WriteWhole(writer, MemoryMarshal.Cast<byte, int>(data)); break;
            case "INT64": WriteWhole(writer, MemoryMarshal.Cast<byte, long>(data)); break;
            case "UINT64":
                foreach (ulong value in MemoryMarshal.Cast<byte, ulong>(data))
                {
                    writer.WriteNumberValue(value);
                }
                break;
            case "BOOL":
                foreach (byte value in data)
                {
                    writer.WriteBooleanValue(value != 0);
                }
                break;
            default:
                throw RequestException.BadRequest($"output '{outputName}' is {elementType}, which has no form in JSON; ask for it as binary data");
        }
        writer.WriteEndArray();
    }

    private static void ReadNumbers<T>(ReadOnlySpan<byte> array, string inputName, string elementType, Span<byte> target)
        where T : unmanaged, INumber<T>
    {
        Span<T> values = MemoryMarshal.Cast<byte, T>(target);
        int count = 0;
        Utf8JsonReader reader = new(array);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray)
            {
                continue;
            }
            // A number that is too large for the type is read as infinity, which nobody wrote.
            if (reader.TokenType != JsonTokenType.Number || !T.TryParse(reader.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) || !T.IsFinite(value))
            {
                throw TensorDataErrors.NotAValue(inputName, elementType, count, Text(reader.ValueSpan));
            }
            Store(values, count++, value, inputName);
        }
        TensorDataErrors.CheckCount(inputName, count, values.Length);
    }

    private static void ReadBooleans(ReadOnlySpan<byte> array, string inputName, Span<byte> target)
    {
        int count = 0;
        Utf8JsonReader reader = new(array);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray)
            {
                continue;
            }
            bool isTrue = reader.TokenType == JsonTokenType.True || (reader.TokenType == JsonTokenType.Number && reader.ValueSpan.SequenceEqual("1"u8));
            bool isFalse = reader.TokenType == JsonTokenType.False || (reader.TokenType == JsonTokenType.Number && reader.ValueSpan.SequenceEqual("0"u8));
            if (!isTrue && !isFalse)
            {
                throw TensorDataErrors.NotAValue(inputName, "BOOL", count, Text(reader.ValueSpan));
            }
            Store(target, count++, isTrue ? (byte)1 : (byte)0, inputName);
        }
        TensorDataErrors.CheckCount(inputName, count, target.Length);
    }

    private static void Store<T>(Span<T> values, int index, T value, string inputName)
    {
        if (index >= values.Length)
        {
            throw TensorDataErrors.TooMany(inputName, values.Length);
        }
        values[index] = value;
    }

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value[..Math.Min(value.Length, 40)]);

    private static void WriteReals<T>(Utf8JsonWriter writer, ReadOnlySpan<T> values) where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (T value in values)
        {
            if (!T.IsFinite(value))
            {
                writer.WriteNullValue();
            }
            else if (typeof(T) == typeof(double))
            {
                writer.WriteNumberValue(double.CreateTruncating(value));
            }
            else
            {
                writer.WriteNumberValue(float.CreateTruncating(value));
            }
        }
    }

    private static void WriteWhole<T>(Utf8JsonWriter writer, ReadOnlySpan<T> values) where T : unmanaged, IBinaryInteger<T>
    {
        foreach (T value in values)
        {
            writer.WriteNumberValue(long.CreateChecked(value));
        }
    }
}
