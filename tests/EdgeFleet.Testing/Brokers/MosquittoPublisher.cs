using System.Diagnostics;
using System.Globalization;

namespace EdgeFleet.Testing.Brokers;

/// <summary>mosquitto_pub: somebody else's MQTT 5 client that publishes one message and ends.</summary>
public static class MosquittoPublisher
{
    /// <summary>Returns when the broker has acknowledged the message at QoS 1.</summary>
    public static Task PublishAsync(MosquittoBroker broker, string topic, string payload, params string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(broker);
        return PublishAsync(broker.Host, broker.Port, topic, payload, arguments);
    }

    /// <inheritdoc cref="PublishAsync(MosquittoBroker, string, string, string[])"/>
    public static async Task PublishAsync(string host, int port, string topic, string payload, params string[] arguments)
    {
        string[] all =
        [
            "-V", "5", "-h", host, "-p", port.ToString(CultureInfo.InvariantCulture), "-t", topic, "-q", "1", "-m", payload, .. arguments,
        ];
        using Process process = Process.Start(new ProcessStartInfo(MosquittoTools.Find("mosquitto_pub"), all) { RedirectStandardError = true })!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new IOException($"mosquitto_pub ended with {process.ExitCode}: {error}");
        }
    }
}
