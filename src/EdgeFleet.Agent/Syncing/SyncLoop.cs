using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Protocol;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Syncing;

/// <summary>
/// Keeps one stream to the controller: desired state comes in and is stored, acknowledgements empty the outbox, a beat shows
/// that the other side lives. Three beats of silence and it connects anew; a link that only looks open is found so.
/// </summary>
internal sealed partial class SyncLoop(
    ControllerLink link, DesiredStore desired, Outbox outbox, FleetClock clock, SyncOptions options, TimeProvider time, ILogger<SyncLoop> log)
{
    private const int MissedBeats = 3;
    /// <summary>No controller of ours beats more rarely than each ten minutes; a number beyond this is a fault of the other side.</summary>
    private const uint LongestBeatMs = 3_600_000;
    private readonly Backoff _backoff = new(options.FirstRetry, options.LongestRetry, Random.Shared);

    /// <summary>The stream is open; says where reports go.</summary>
    public event Action<BrokerAddress>? Connected;

    /// <summary>These models shall be something else now; it is on disk.</summary>
    public event Action<IReadOnlyList<string>>? DesiredChanged;

    /// <summary>A desired state of this generation was not taken in, for this reason; what was wanted before stays.</summary>
    public event Action<ulong, string>? DesiredRefused;

    public bool IsConnected { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            string reason;
            long opened = time.GetTimestamp();
            try
            {
                reason = await SyncAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (RpcException ex)
            {
                cancellationToken.ThrowIfCancellationRequested();
                reason = $"{ex.StatusCode}: {ex.Status.Detail}";
                if (ex.StatusCode == StatusCode.Unauthenticated && await link.RenewLapsedAsync(cancellationToken).ConfigureAwait(false))
                {
                    _backoff.Reset();
                    reason += "; it is renewed now";
                }
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                reason = $"no beat for {MissedBeats} intervals";
            }
            catch (Exception ex) when (ex is IOException or FormatException or OverflowException)
            {
                // The disk did not take the state, or the controller said what this build does not know: neither is acted on.
                reason = ex.Message;
            }
            finally
            {
                IsConnected = false;
            }
            if (time.GetElapsedTime(opened) >= options.StableAfter)
            {
                // Counted by how long it lived and not by whether it opened: a controller that greets and then fails is still failing.
                _backoff.Reset();
            }
            TimeSpan pause = _backoff.Next();
            LogAway(link.Url, reason, pause);
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <returns>Why the stream ended.</returns>
    private async Task<string> SyncAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource silent = new(options.FirstAnswer, time);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silent.Token);
        (long generation, long epoch) = desired.Known;
        Wire.SyncRequest request = new()
        {
            KnownGeneration = (ulong)generation,
            KnownEpoch = (ulong)epoch,
            AgentVersion = AgentVersion.Text,
            OutboxBoot = (ulong)outbox.Boot,
            ReleasedSeq = (ulong)outbox.AcknowledgedSeq,
        };
        using AsyncServerStreamingCall<Wire.SyncEvent> call = new Wire.Fleet.FleetClient(link.Channel).Sync(request, cancellationToken: ended.Token);
        TimeSpan? patience = null;
        while (await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false))
        {
            Wire.SyncEvent message = call.ResponseStream.Current;
            if (message.EventCase == Wire.SyncEvent.EventOneofCase.Welcome)
            {
                patience = TimeSpan.FromMilliseconds(Math.Clamp(message.Welcome.BeatIntervalMs, 100, LongestBeatMs) * MissedBeats);
            }
            if (patience is { } silence)
            {
                // The source's own timer: one beside it may fire once more when the stream is over and the source is gone.
                silent.CancelAfter(silence);
            }
            Take(message);
            // On every message: a device that is busy hears acknowledgements and no beat, one whose link flaps hears little else than a welcome.
            if (clock.Now is { } now && await link.RenewIfDueAsync(now, ended.Token).ConfigureAwait(false))
            {
                return "the certificate was renewed";
            }
        }
        return "the controller closed the stream";
    }

    private void Take(Wire.SyncEvent message)
    {
        switch (message.EventCase)
        {
            case Wire.SyncEvent.EventOneofCase.Welcome:
                Wire.Welcome welcome = message.Welcome;
                if (welcome.Time is not null)
                {
                    clock.Told(WireTime.Read("welcome: time", welcome.Time));
                }
                BrokerAddress broker = ReadBroker(welcome);
                IsConnected = true;
                LogConnected(link.Url, welcome.Epoch, welcome.BeatIntervalMs);
                Connected?.Invoke(broker);
                break;
            case Wire.SyncEvent.EventOneofCase.Desired:
                TakeDesired(message.Desired);
                break;
            case Wire.SyncEvent.EventOneofCase.Acked:
                // A number beyond what fits was never given out here.
                outbox.Acknowledge(checked((long)message.Acked.Boot), checked((long)message.Acked.ContiguousSeq));
                break;
            case Wire.SyncEvent.EventOneofCase.Beat when message.Beat.Time is not null:
                clock.Told(WireTime.Read("beat: time", message.Beat.Time));
                break;
            default:
                // A newer controller may say more; what is not known is not needed.
                break;
        }
    }

    /// <summary>One that cannot be read is refused as a whole and the stream goes on: acknowledgements, beats and the next generation still come by it.</summary>
    private void TakeDesired(Wire.DesiredState message)
    {
        DesiredState state;
        try
        {
            state = DesiredMapping.ToCore(message);
        }
        catch (FormatException ex)
        {
            LogRefused(message.Generation, ex.Message, desired.Generation);
            DesiredRefused?.Invoke(message.Generation, ex.Message);
            return;
        }
        IReadOnlyList<string> changed = desired.Accept(state);
        if (changed.Count > 0 || desired.Generation == state.Generation)
        {
            DesiredChanged?.Invoke(changed);
        }
    }

    private static BrokerAddress ReadBroker(Wire.Welcome welcome) => welcome is { MqttHost.Length: > 0, MqttPort: > 0 and <= ushort.MaxValue }
        ? new BrokerAddress(welcome.MqttHost, (int)welcome.MqttPort, ReadRoots(welcome.MqttRootsPem))
        : throw new FormatException($"welcome: '{welcome.MqttHost}:{welcome.MqttPort}' is not the address of a broker");

    private static string? ReadRoots(string pem)
    {
        if (pem.Length == 0)
        {
            return null;
        }
        try
        {
            X509Certificate2Collection roots = [];
            roots.ImportFromPem(pem);
            return roots.Count > 0 ? pem : throw new FormatException("welcome: the roots of the broker hold no certificate");
        }
        catch (CryptographicException ex)
        {
            throw new FormatException($"welcome: the roots of the broker cannot be read ({ex.Message})", ex);
        }
    }

    [LoggerMessage(EventId = 3011, Level = LogLevel.Information, Message = "Connected to {Url}, epoch {Epoch}, a beat each {BeatMs} ms")]
    private partial void LogConnected(string url, ulong epoch, uint beatMs);

    [LoggerMessage(EventId = 3013, Level = LogLevel.Error, Message = "Desired state: generation {Generation} is refused ({Reason}); this device keeps generation {Known}")]
    private partial void LogRefused(ulong generation, string reason, long known);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Warning, Message = "No link to {Url} ({Reason}); next attempt in {Pause}")]
    private partial void LogAway(string url, string reason, TimeSpan pause);
}

/// <summary>How the link is kept.</summary>
public sealed record SyncOptions
{
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(500);
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>A stream that ended sooner counts as a failure for the back-off.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(10);
    /// <summary>The controller has to say something within this after the stream is opened.</summary>
    public TimeSpan FirstAnswer { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>Where reports go.</summary>
/// <param name="RootsPem">Roots that vouch for the broker; null: those of the fleet.</param>
internal sealed record BrokerAddress(string Host, int Port, string? RootsPem = null);
