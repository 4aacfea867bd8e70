using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>What a link does with packets. Called from its receive loop, in order, and never waits.</summary>
internal interface IConnectionSink
{
    /// <summary>More messages wait for handlers than a broker that keeps to the receive maximum can have sent.</summary>
    bool IsCongested { get; }

    /// <summary>Until the handlers have caught up, or for as long as they may take to; then some more may be read in any case.</summary>
    Task WaitForRoomAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken);

    void OnPublish(MqttConnection connection, in PublishPacket packet);

    void OnPubAck(MqttConnection connection, in PubAckPacket packet);

    void OnFilterAck(MqttConnection connection, in FilterAckPacket packet);

    /// <summary>There may be room to send more: acknowledgements came in or the socket took a backlog.</summary>
    void OnRoom();
}
