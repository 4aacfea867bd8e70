namespace EdgeFleet.Mqtt.Protocol;

/// <summary>
/// A property block, described once and used twice: first to learn its size, then to write it. Absent values leave no bytes.
/// </summary>
internal sealed class PropertyList
{
    private readonly List<(PropertyId Id, object Value)> _items = [];

    /// <summary>Bytes of the block without its own length.</summary>
    public int Size { get; private set; }

    public int SizeWithLength => VariableInteger.Size(Size) + Size;

    public PropertyList AddByte(PropertyId id, int? value) => value is { } v ? Add(id, (byte)v, 1) : this;

    public PropertyList AddUInt16(PropertyId id, int? value) => value is { } v ? Add(id, checked((ushort)v), 2) : this;

    public PropertyList AddUInt32(PropertyId id, uint? value) => value is { } v ? Add(id, v, 4) : this;

    public PropertyList AddString(PropertyId id, string? value) => value is not null ? Add(id, value, PacketWriter.StringSize(value)) : this;

    public PropertyList AddBinary(PropertyId id, ReadOnlyMemory<byte>? value) => value is { } v ? Add(id, v, 2 + v.Length) : this;

    public PropertyList AddUserProperties(IReadOnlyList<MqttUserProperty> properties)
    {
        foreach (MqttUserProperty property in properties)
        {
            Add(PropertyId.UserProperty, property, PacketWriter.StringSize(property.Name) + PacketWriter.StringSize(property.Value));
        }
        return this;
    }

    public void WriteTo(ref PacketWriter writer)
    {
        writer.VariableInteger(Size);
        foreach ((PropertyId id, object value) in _items)
        {
            writer.Byte((int)id);
            switch (value)
            {
                case byte b:
                    writer.Byte(b);
                    break;
                case ushort u:
                    writer.UInt16(u);
                    break;
                case uint u:
                    writer.UInt32(u);
                    break;
                case string s:
                    writer.String(s);
                    break;
                case ReadOnlyMemory<byte> memory:
                    writer.Binary(memory.Span);
                    break;
                case MqttUserProperty property:
                    writer.String(property.Name);
                    writer.String(property.Value);
                    break;
            }
        }
    }

    private PropertyList Add(PropertyId id, object value, int size)
    {
        _items.Add((id, value));
        Size += 1 + size;
        return this;
    }
}
