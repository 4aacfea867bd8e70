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
    private readonly Backoff _backoff = new(options.FirstRetry, options.LongestRetry, Random.Shared);

    /// <summary>The stream is open; says where reports go.</summary>
    public event Action<BrokerAddress>? Connected;

    /// <summary>These models shall be something else now; it is on disk.</summary>
    public event Action<IReadOnlyList<string>>? DesiredChanged;

    public bool IsConnected { get; private set; }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            string reason;
            try
            {
                await SyncAsync(cancellationToken).ConfigureAwait(false);
                reason = "the controller closed the stream";
            }
            catch (RpcException ex) when (!cancellationToken.IsCancellationRequested)
            {
                reason = $"{ex.StatusCode}: {ex.Status.Detail}";
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
            TimeSpan pause = _backoff.Next();
            LogAway(link.Url, reason, pause);
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task SyncAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource silent = new(options.FirstAnswer, time);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silent.Token);
        using ITimer silence = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), silent, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Wire.SyncRequest request = new()
        {
            KnownGeneration = (ulong)desired.Generation,
            AgentVersion = AgentVersion.Text,
            OutboxBoot = (ulong)outbox.Boot,
        };
        using AsyncServerStreamingCall<Wire.SyncEvent> call = new Wire.Fleet.FleetClient(link.Channel).Sync(request, cancellationToken: ended.Token);
        TimeSpan patience = options.FirstAnswer;
        while (await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false))
        {
            Wire.SyncEvent message = call.ResponseStream.Current;
            if (message.EventCase == Wire.SyncEvent.EventOneofCase.Welcome)
            {
                silent.CancelAfter(Timeout.InfiniteTimeSpan);
                patience = TimeSpan.FromMilliseconds(Math.Max(100, message.Welcome.BeatIntervalMs) * MissedBeats);
            }
            silence.Change(patience, Timeout.InfiniteTimeSpan);
            if (await TakeAsync(message, ended.Token).ConfigureAwait(false))
            {
                return;
            }
        }
    }

    /// <summary>True: the stream has to be opened again.</summary>
    private async Task<bool> TakeAsync(Wire.SyncEvent message, CancellationToken cancellationToken)
    {
        switch (message.EventCase)
        {
            case Wire.SyncEvent.EventOneofCase.Welcome:
                Wire.Welcome welcome = message.Welcome;
                if (welcome.Time is not null)
                {
                    clock.Told(welcome.Time.ToDateTimeOffset());
                }
                _backoff.Reset();
                IsConnected = true;
                LogConnected(link.Url, welcome.Epoch, welcome.BeatIntervalMs);
                Connected?.Invoke(new BrokerAddress(welcome.MqttHost, (int)welcome.MqttPort));
                return false;
            case Wire.SyncEvent.EventOneofCase.Desired:
                DesiredState state = DesiredMapping.ToCore(message.Desired);
                IReadOnlyList<string> changed = desired.Accept(state);
                if (changed.Count > 0 || desired.Generation == state.Generation)
                {
                    DesiredChanged?.Invoke(changed);
                }
                return false;
            case Wire.SyncEvent.EventOneofCase.Acked:
                outbox.Acknowledge((long)message.Acked.Boot, (long)message.Acked.ContiguousSeq);
                return false;
            case Wire.SyncEvent.EventOneofCase.Beat:
                if (message.Beat.Time is null)
                {
                    return false;
                }
                DateTimeOffset now = message.Beat.Time.ToDateTimeOffset();
                clock.Told(now);
                return await link.RenewIfDueAsync(now, cancellationToken).ConfigureAwait(false);
            default:
                // A newer controller may say more; what is not known is not needed.
                return false;
        }
    }

    [LoggerMessage(EventId = 3011, Level = LogLevel.Information, Message = "Connected to {Url}, epoch {Epoch}, a beat each {BeatMs} ms")]
    private partial void LogConnected(string url, ulong epoch, uint beatMs);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Warning, Message = "No link to {Url} ({Reason}); next attempt in {Pause}")]
    private partial void LogAway(string url, string reason, TimeSpan pause);
}

/// <summary>How the link is kept.</summary>
public sealed record SyncOptions
{
    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromMilliseconds(500);
    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>The controller has to say something within this after the stream is opened.</summary>
    public TimeSpan FirstAnswer { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>Where reports go.</summary>
internal sealed record BrokerAddress(string Host, int Port);
