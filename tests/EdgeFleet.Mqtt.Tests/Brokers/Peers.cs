using System.Text;
using System.Threading.Channels;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>Short forms for sessions against a broker.</summary>
internal static class Peers
{
    /// <summary>Long enough for a loaded machine, short enough to fail while somebody watches.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static MqttSessionOptions Options(MosquittoBroker broker, string clientId) => new()
    {
        Host = broker.Host,
        Port = broker.Port,
        ClientId = clientId,
        ReconnectDelay = TimeSpan.FromMilliseconds(20),
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(100),
    };

    public static async Task<MqttSession> ConnectAsync(MqttSessionOptions options)
    {
        MqttSession session = new(options);
        await session.ConnectAsync();
        return session;
    }

    public static MqttMessage Text(string topic, string text, MqttQos qos = MqttQos.AtLeastOnce) =>
        new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), Qos = qos };

    public static string Text(this MqttReceivedMessage message) => Encoding.UTF8.GetString(message.Payload.Span);

    /// <summary>Subscribes and gives the messages as a queue to await.</summary>
    public static async Task<ChannelReader<MqttReceivedMessage>> ListenAsync(this IMqttSession session, string filter, MqttQos qos = MqttQos.AtLeastOnce)
    {
        Channel<MqttReceivedMessage> messages = Channel.CreateUnbounded<MqttReceivedMessage>();
        await session.SubscribeAsync(filter, qos, (message, _) =>
        {
            messages.Writer.TryWrite(message);
            return Task.CompletedTask;
        });
        return messages.Reader;
    }

    public static Task<T> NextAsync<T>(this ChannelReader<T> reader) => reader.ReadAsync().AsTask().WaitAsync(Patience);
}
