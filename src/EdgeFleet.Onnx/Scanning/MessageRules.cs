using Google.Protobuf.Reflection;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>The fields of one message type by number, taken from the generated schema so that there is one table only.</summary>
internal sealed class MessageRules
{
    private static readonly Dictionary<string, MessageRules> s_all = [];
    private readonly FieldDescriptor?[] _fields;

    private MessageRules(MessageDescriptor descriptor)
    {
        Descriptor = descriptor;
        IList<FieldDescriptor> fields = descriptor.Fields.InFieldNumberOrder();
        _fields = new FieldDescriptor?[fields.Count == 0 ? 1 : fields[^1].FieldNumber + 1];
        foreach (FieldDescriptor field in fields)
        {
            _fields[field.FieldNumber] = field;
        }
    }

    public MessageDescriptor Descriptor { get; }

    public FieldDescriptor? Field(int number) => number < _fields.Length ? _fields[number] : null;

    public static MessageRules Of(MessageDescriptor descriptor)
    {
        lock (s_all)
        {
            if (!s_all.TryGetValue(descriptor.FullName, out MessageRules? rules))
            {
                s_all[descriptor.FullName] = rules = new MessageRules(descriptor);
            }

            return rules;
        }
    }

    /// <summary>Whether a field may be stored in this way; repeated numbers may be packed or not, whatever the schema prefers.</summary>
    public static bool Accepts(FieldDescriptor field, WireType type)
    {
        WireType single = field.FieldType switch
        {
            FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32 => WireType.Fixed32,
            FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64 => WireType.Fixed64,
            FieldType.String or FieldType.Bytes or FieldType.Message => WireType.Bytes,
            _ => WireType.Varint,
        };
        return type == single || (type == WireType.Bytes && field.IsRepeated);
    }
}
