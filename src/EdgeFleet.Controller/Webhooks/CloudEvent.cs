using System.Globalization;
using System.Text.Json;
using EdgeFleet.Controller.Store;

namespace EdgeFleet.Controller.Webhooks;

/// <summary>An event in the structured JSON form of CloudEvents 1.0, the same whichever way it leaves.</summary>
internal static class CloudEvent
{
    public const string ContentType = "application/cloudevents+json";

    /// <summary>The same at each attempt, so that a receiver can tell what it has had; a test is an event of its own each time.</summary>
    public static string IdOf(string tenant, FeedRow e) => e.Id > 0 ? string.Create(CultureInfo.InvariantCulture, $"{tenant}.{e.Id}") : $"{tenant}.{Guid.NewGuid():n}";

    public static byte[] Write(string tenant, string id, FeedRow e)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("specversion", "1.0");
            writer.WriteString("id", id);
            writer.WriteString("source", $"/edgefleet/{tenant}/{e.Source}");
            writer.WriteString("type", $"io.edgefleet.{e.Type}");
            if (e.Subject.Length > 0)
            {
                writer.WriteString("subject", e.Subject);
            }
            writer.WriteString("time", Clock.FromMs(e.At).ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
            writer.WriteString("datacontenttype", "application/json");
            writer.WritePropertyName("data");
            writer.WriteRawValue(e.Data);
            writer.WriteEndObject();
        }
        return stream.ToArray();
    }
}
