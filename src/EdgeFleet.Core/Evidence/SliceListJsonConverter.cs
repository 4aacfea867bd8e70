using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Evidence;

/// <summary><c>{"camera": ["front", "rear"]}</c>.</summary>
public sealed class SliceListJsonConverter : JsonConverter<SliceList>
{
    public override SliceList Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        try
        {
            return SliceList.Of(document.RootElement.EnumerateObject().Select(slice =>
                (slice.Name, (IReadOnlyList<string>)[.. slice.Value.EnumerateArray().Select(value => value.GetString() ?? "")])));
        }
        catch (Exception ex) when (ex is FormatException or InvalidOperationException)
        {
            throw new JsonException($"slices: {ex.Message}", ex);
        }
    }

    public override void Write(Utf8JsonWriter writer, SliceList value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach ((string name, IReadOnlyList<string> values) in value.Names)
        {
            writer.WriteStartArray(name);
            foreach (string one in values)
            {
                writer.WriteStringValue(one);
            }
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }
}
