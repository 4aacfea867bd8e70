using System.Text;
using Google.Protobuf.Reflection;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>Steps through the fields of messages and counts what a parser would make objects of.</summary>
internal sealed class FieldCursor(WireReader reader, ScanLimits limits)
{
    private const int NameBudgetFactor = 1000;
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private long _fields;
    private long _nameBytes;

    public WireReader Reader => reader;

    public ScanLimits Limits => limits;

    /// <summary>Reads a tag and judges it; null after a field that the schema does not know, which is skipped.</summary>
    public (FieldDescriptor Field, WireType Wire)? NextField(MessageRules rules, long end, ref ulong seen)
    {
        Count();
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

    public void Count()
    {
        if (++_fields > limits.MaxMessages)
        {
            throw TooLarge($"more than {limits.MaxMessages} fields");
        }
    }

    public string Text(long end)
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

    public ScanRejectedException TooLarge(string what) =>
        new(ScanRejection.TooLarge, $"byte {reader.Position} of {reader.Length}: {what}");
}
