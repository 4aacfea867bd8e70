using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Mqtt;

namespace EdgeFleet.Controller.Webhooks;

/// <summary>
/// Tells the broker of each rollout and device event, over the controller's own session: the same CloudEvents as webhooks, from
/// the same feed, so an event is done with when the broker has acknowledged it. Not retained: what happened is no state.
/// </summary>
internal sealed class AlarmPublisher(ControllerOptions options)
{
    /// <summary>The broker's row beside the webhooks; no webhook can be called so.</summary>
    public const string Id = "alarms";

    /// <summary>Apart from the branch that devices write to.</summary>
    public const string Root = "edgefleet/alarms/v1";

    /// <summary>Null where there is no broker.</summary>
    public Func<MqttMessage, CancellationToken, Task<MqttAck>>? Publish { get; set; }

    /// <summary><c>edgefleet/alarms/v1/TENANT/rollout/KIND</c> or <c>…/device/KIND</c>.</summary>
    public static string TopicOf(string tenant, string type)
    {
        int dot = type.IndexOf('.', StringComparison.Ordinal);
        string kind = type[(dot + 1)..];
        // A device names its own kinds. One that would reach into other branches keeps its name in the event alone.
        return $"{Root}/{tenant}/{type[..Math.Max(dot, 0)]}/{(kind.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && kind.Length > 0 ? kind : "other")}";
    }

    /// <summary>Waits for the broker as long as it is away: nothing is behind it but later alarms.</summary>
    /// <returns>Why it was not taken; null where it was.</returns>
    public async Task<string?> SendAsync(FeedRow e, CancellationToken cancellationToken)
    {
        if (Publish is not { } publish)
        {
            return "there is no broker";
        }
        string id = CloudEvent.IdOf(options.Tenant, e);
        try
        {
            MqttAck ack = await publish(
                new MqttMessage { Topic = TopicOf(options.Tenant, e.Type), Payload = CloudEvent.Write(options.Tenant, id, e), ContentType = CloudEvent.ContentType, PayloadIsText = true }, cancellationToken);
            return ack.IsSuccess ? null : $"the broker answered {ack.ReasonCode}";
        }
        catch (MqttException ex)
        {
            return ex.Message;
        }
    }
}
