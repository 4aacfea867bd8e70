namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// Tells a client that is thrown out again and again from one whose broker or network is failing: an eviction is an orderly close
/// without a word, soon after a connect that succeeded at once. A failed connect or any other end means something else.
/// </summary>
internal sealed class EvictionWatch
{
    private const int Suspicious = 3;

    // Two rivals that both wait their longest pause keep their links for about that long.
    private static readonly TimeSpan s_soon = TimeSpan.FromMinutes(5);

    private int _inARow;

    public void ConnectFailed() => _inARow = 0;

    /// <summary>Whether this end makes it too many.</summary>
    public bool LinkEnded(MqttDisconnectCause cause, TimeSpan lived)
    {
        _inARow = cause == MqttDisconnectCause.BrokerClosed && lived < s_soon ? _inARow + 1 : 0;
        return _inARow >= Suspicious;
    }
}
