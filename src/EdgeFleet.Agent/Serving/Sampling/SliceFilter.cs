using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.OpenInference.Grpc;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Serving.Sampling;

/// <summary>
/// Finds the listed values among a request's parameters. They are read only of requests that are sampled, where they lie in the
/// message: an inference that nobody samples pays nothing for them.
/// </summary>
internal sealed class SliceFilter
{
    /// <summary>No listed value is longer, however its characters are escaped.</summary>
    private const int MaximumValueBytes = 6 * SliceList.MaximumLength;

    private readonly Dictionary<string, (int Index, Dictionary<string, int> Values)> _names = new(StringComparer.Ordinal);

    public SliceFilter(SliceList slices)
    {
        Slices = slices;
        foreach ((string name, IReadOnlyList<string> values) in slices.Names)
        {
            _names.Add(name, (_names.Count, values.Select((value, i) => (value, i)).ToDictionary(value => value.value, value => value.i, StringComparer.Ordinal)));
        }
    }

    public SliceList Slices { get; }

    /// <summary>For each slice in order, which of its values the request carries; -1 for none of them.</summary>
    public int[] Read(InferRequest request, in ReadOnlySequence<byte> message)
    {
        int[] found = new int[_names.Count];
        Array.Fill(found, -1);
        if (found.Length == 0)
        {
            return found;
        }
        foreach ((int start, int length) in request.Parameters)
        {
            if (request.ParametersAreMessages)
            {
                ReadMessage(message, (start, length), found);
            }
            else
            {
                ReadOnlySequence<byte> part = message.Slice(start, length);
                ReadJson(part.IsSingleSegment ? part.FirstSpan : part.ToArray(), found);
            }
        }
        return found;
    }

    /// <summary>The object that the parser has seen already, from somewhere before its brace.</summary>
    private void ReadJson(ReadOnlySpan<byte> json, int[] found)
    {
        int brace = json.IndexOf((byte)'{');
        if (brace < 0)
        {
            return; // null
        }
        Utf8JsonReader reader = new(json[brace..]);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string? name = reader.ValueSpan.Length <= MaximumValueBytes ? reader.GetString() : null;
            reader.Read();
            if (name is not null && _names.ContainsKey(name))
            {
                Set(name, TextOf(ref reader), found);
            }
            reader.Skip();
        }
    }

    private static string? TextOf(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        _ when reader.ValueSpan.Length > MaximumValueBytes => null,
        JsonTokenType.String => reader.GetString(),
        JsonTokenType.Number => Encoding.UTF8.GetString(reader.ValueSpan),
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        _ => null,
    };

    /// <summary>One entry of the map: a name and an InferParameter.</summary>
    private void ReadMessage(in ReadOnlySequence<byte> message, (int Start, int Length) entry, int[] found)
    {
        (int Start, int Length) name = default, parameter = default;
        MessageFields fields = new(message, entry);
        while (fields.Next(out int field, out WireType type))
        {
            switch (field, type)
            {
                case (1, WireType.Bytes): name = fields.Bytes(); break;
                case (2, WireType.Bytes): parameter = fields.Bytes(); break;
                default: fields.Skip(type); break;
            }
        }
        if (name.Length is > 0 and <= SliceList.MaximumLength && Encoding.UTF8.GetString(fields.At(name)) is var text && _names.ContainsKey(text))
        {
            Set(text, TextOf(message, parameter), found);
        }
    }

    private static string? TextOf(in ReadOnlySequence<byte> message, (int Start, int Length) parameter)
    {
        string? text = null;
        MessageFields fields = new(message, parameter);
        while (fields.Next(out int field, out WireType type))
        {
            switch (field, type)
            {
                case (1, WireType.Varint): text = fields.Varint() != 0 ? "true" : "false"; break;
                case (2, WireType.Varint): text = ((long)fields.Varint()).ToString(CultureInfo.InvariantCulture); break;
                case (3, WireType.Bytes):
                    (int Start, int Length) at = fields.Bytes();
                    text = at.Length <= MaximumValueBytes ? Encoding.UTF8.GetString(fields.At(at)) : null;
                    break;
                case (4, WireType.Fixed64): text = BitConverter.UInt64BitsToDouble(fields.Fixed64()).ToString(CultureInfo.InvariantCulture); break;
                case (5, WireType.Varint): text = fields.Varint().ToString(CultureInfo.InvariantCulture); break;
                default: fields.Skip(type); break;
            }
        }
        return text;
    }

    private void Set(string name, string? value, int[] found)
    {
        (int index, Dictionary<string, int> values) = _names[name];
        found[index] = value is not null && values.TryGetValue(value, out int known) ? known : -1;
    }
}
