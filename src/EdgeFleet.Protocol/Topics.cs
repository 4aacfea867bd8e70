using System.Diagnostics.CodeAnalysis;
using EdgeFleet.Core;

namespace EdgeFleet.Protocol;

/// <summary>
/// The MQTT topics of a device: <c>edgefleet/v1/{tenant}/{device}/…</c>. Tenant and device are <see cref="Identifier"/>s,
/// so no wildcard or separator can slip in.
/// </summary>
public sealed class Topics
{
    public const string Root = "edgefleet/v1";
    private const string Package = "edgefleet.v1";

    /// <summary>
    /// The content type of a payload, with the protobuf message's full name. Made from the generated type's own name: asking
    /// its descriptor would build the reflection of every message, more than a megabyte on a device.
    /// </summary>
    public static string ContentType(Type message) => $"application/protobuf; type={Package}.{message.Name}";

    private readonly string _prefix;

    public Topics(string tenant, string device)
    {
        _prefix = $"{Root}/{Identifier.Require("tenant", tenant)}/{Identifier.Require("device", device)}";
    }

    public string Presence => $"{_prefix}/presence";
    public string Reported => $"{_prefix}/reported";
    public string Metric => $"{_prefix}/metric";
    public string Deployment(string id) => $"{_prefix}/deployment/{Identifier.Require("deployment", id)}";
    public string Event(string type) => $"{_prefix}/event/{Identifier.Require("event type", type)}";
    public string Bench(Digest digest) => $"{_prefix}/bench/{digest.Hex}";
    public string Shadow(Digest digest) => $"{_prefix}/shadow/{digest.Hex}";

    /// <summary>Splits a topic that came from a stranger. The kind is the first name after the device, the rest follows.</summary>
    public static bool TryParse(string topic, [NotNullWhen(true)] out ReportTopic? parsed)
    {
        parsed = null;
        string[] parts = topic.Split('/');
        if (parts.Length is < 5 or > 6 || parts[0] != "edgefleet" || parts[1] != "v1" || !Identifier.IsValid(parts[2]) || !Identifier.IsValid(parts[3]))
        {
            return false;
        }
        parsed = new ReportTopic(parts[2], parts[3], parts[4], parts.Length == 6 ? parts[5] : "");
        return true;
    }
}

/// <summary>A topic taken apart: <c>presence</c>, <c>reported</c>, <c>deployment</c>, <c>event</c>, <c>bench</c>, <c>shadow</c> or <c>metric</c>.</summary>
public sealed record ReportTopic(string Tenant, string Device, string Kind, string Rest);
