using System.Collections.Concurrent;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>
/// kill -9 of the broker at every packet of a publisher's life, in both directions, before it has passed and after: enumerated,
/// not sampled. The subscriber's session is on the broker's disk and outlives it.
/// </summary>
public sealed class BrokerKillTests
{
    private const int Messages = 5;

    // CONNECT or CONNACK, then a packet for each message.
    private const int Packets = 1 + Messages;

    [Theory]
    [InlineData(KillSide.BeforeToBroker, false)]
    [InlineData(KillSide.BeforeToBroker, true)]
    [InlineData(KillSide.AfterToBroker, false)]
    [InlineData(KillSide.AfterToBroker, true)]
    [InlineData(KillSide.BeforeToClient, false)]
    [InlineData(KillSide.BeforeToClient, true)]
    [InlineData(KillSide.AfterToClient, false)]
    [InlineData(KillSide.AfterToClient, true)]
    public async Task Wherever_the_broker_is_killed_every_publish_completes_and_what_completed_has_arrived(KillSide side, bool allAtOnce)
    {
        for (int packet = 1; packet <= Packets; packet++)
        {
            (IReadOnlyList<MqttAck> acks, IReadOnlySet<string> arrived) = await PublishWhileItIsKilledAsync(side, packet, MqttQos.AtLeastOnce, allAtOnce);

            string where = $"{side} {packet}";
            Assert.All(acks, ack => Assert.Equal((where, MqttReasonCode.Success), (where, ack.ReasonCode)));
            Assert.True(arrived.Count == Messages, $"{where}: only {string.Join(", ", arrived)} arrived");
        }
    }

    [Fact]
    public async Task Without_acknowledgements_the_same_kills_lose_messages()
    {
        int lost = 0;
        for (int packet = 2; packet <= Packets; packet++)
        {
            (_, IReadOnlySet<string> arrived) = await PublishWhileItIsKilledAsync(KillSide.BeforeToBroker, packet, MqttQos.AtMostOnce, allAtOnce: true);
            lost += Messages - arrived.Count;
        }
        Assert.True(lost >= Messages, $"only {lost} were lost");
    }

    private static async Task<(IReadOnlyList<MqttAck> Acks, IReadOnlySet<string> Arrived)> PublishWhileItIsKilledAsync(
        KillSide side, int packet, MqttQos qos, bool allAtOnce)
    {
        // On disk after each change, as far as mosquitto goes: it answers first and saves then.
        await using MosquittoBroker broker = await MosquittoBroker.StartAsync(new MosquittoBrokerOptions
        {
            Persistent = true,
            Lines = ["autosave_on_changes true", "autosave_interval 1"],
        });
        ConcurrentDictionary<string, int> arrived = new();
        Milestone marks = new();
        await using MqttSession subscriber = await Peers.ConnectAsync(Peers.Options(broker, "subscriber"));
        await subscriber.SubscribeAsync("n/#", MqttQos.AtLeastOnce, (message, _) =>
        {
            arrived.AddOrUpdate(message.Text(), 1, (_, times) => times + 1);
            return Task.CompletedTask;
        });
        await subscriber.SubscribeAsync("mark", MqttQos.AtLeastOnce, (message, _) =>
        {
            marks.Reached(int.Parse(message.Text()));
            return Task.CompletedTask;
        });
        await subscriber.PublishAsync(Peers.Text("mark", "1")); // the broker has been through its loop since the subscriptions
        await marks.WaitAsync(1);

        await using KillingRelay relay = new(broker, side, packet);
        await using MqttSession publisher = new(Peers.Options(broker, "publisher") with { Port = relay.Port });
        await (qos == MqttQos.AtMostOnce ? publisher.ConnectAsync() : publisher.StartAsync());
        List<Task<MqttAck>> publishes = [];
        for (int i = 0; i < Messages; i++)
        {
            publishes.Add(publisher.PublishAsync(Peers.Text("n/x", $"{i}", qos)));
            await (allAtOnce ? Task.CompletedTask : publishes[i].WaitAsync(Peers.Patience));
        }
        IReadOnlyList<MqttAck> acks = await Task.WhenAll(publishes).WaitAsync(Peers.Patience);
        // The last word of a broker that will not be killed any more: whatever it had for the subscriber came before.
        await publisher.PublishAsync(Peers.Text("mark", "2")).WaitAsync(Peers.Patience);
        await marks.WaitAsync(2);
        Assert.True(relay.HasKilled);
        return (acks, arrived.Keys.ToHashSet());
    }
}
