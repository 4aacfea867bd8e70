using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace EdgeFleet.Testing.Brokers;

/// <summary>A running mosquitto_sub: somebody else's MQTT 5 client, whose output lines are the messages.</summary>
public sealed class MosquittoSubscriber : IAsyncDisposable
{
    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];

    private MosquittoSubscriber(Process process) => _process = process;

    /// <summary>Returns when the broker has granted the subscription.</summary>
    /// <param name="format">As in mosquitto_sub(1) -F: %t topic, %p payload, %r retained, %q QoS, %C content type, %P user properties.</param>
    public static Task<MosquittoSubscriber> StartAsync(MosquittoBroker broker, string filter, string format = "%t %p", params string[] arguments)
    {
        ArgumentNullException.ThrowIfNull(broker);
        return StartAsync(broker.Host, broker.Port, filter, format, arguments);
    }

    public static async Task<MosquittoSubscriber> StartAsync(string host, int port, string filter, string format = "%t %p", params string[] arguments)
    {
        // Into a pipe it keeps its lines back until a message comes; stdbuf has it write each line at once.
        string[] all =
        [
            "-oL", MosquittoTools.Find("mosquitto_sub"), "-V", "5", "-h", host, "-p", port.ToString(CultureInfo.InvariantCulture),
            "-t", filter, "-q", "1", "-F", $"MSG {format}", "-d", .. arguments,
        ];
        Process process = Process.Start(new ProcessStartInfo("stdbuf", all) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        MosquittoSubscriber subscriber = new(process);
        StringBuilder complaints = new();
        TaskCompletionSource subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                lock (complaints)
                {
                    subscribed.TrySetException(new IOException($"mosquitto_sub ended before it was subscribed: {complaints}"));
                }
                subscriber._lines.CompleteAdding();
            }
            else if (line.Data.StartsWith("MSG ", StringComparison.Ordinal))
            {
                subscriber._lines.Add(line.Data[4..]);
            }
            else if (line.Data.StartsWith("Subscribed", StringComparison.Ordinal))
            {
                subscribed.TrySetResult();
            }
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (complaints)
            {
                complaints.AppendLine(line.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await subscribed.Task.WaitAsync(TimeSpan.FromSeconds(60));
            return subscriber;
        }
        catch
        {
            await subscriber.DisposeAsync();
            throw;
        }
    }

    public Task<string> NextAsync(CancellationToken cancellationToken = default) => Task.Run(() =>
        _lines.TryTake(out string? line, (int)TimeSpan.FromSeconds(60).TotalMilliseconds, cancellationToken)
            ? line
            : throw new TimeoutException("no message within 60 seconds"), cancellationToken);

    /// <summary>Messages that have come and were not taken yet.</summary>
    public int Waiting => _lines.Count;

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
