using EdgeFleet.Controller.Api;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using EdgeFleet.Protocol;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Controller.Fleet;

/// <summary>The device plane's stream: desired state at once when it changes, acknowledgements bundled, beats in between.</summary>
internal sealed partial class FleetService(
    DeviceCaller caller, DeviceStreams streams, Database database, CatchUp catchUp, SyncSettings settings, TimeProvider time, ILogger<FleetService> log)
    : Wire.Fleet.FleetBase
{
    /// <summary>Acknowledgements of one device go out at most this often; a device that replays its outbox gets few, not thousands.</summary>
    private static readonly TimeSpan s_ackInterval = TimeSpan.FromMilliseconds(100);

    private const ulong MaximumNumber = 1UL << 53;

    public override async Task Sync(Wire.SyncRequest request, IServerStreamWriter<Wire.SyncEvent> responseStream, ServerCallContext context)
    {
        string deviceId = await caller.RequireAsync(context);
        // Registered before anything is read: what changes from now on wakes the stream.
        using DeviceStream stream = streams.Open(deviceId, out bool contested);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stream.Closed);
        try
        {
            // Asked again now that a revocation finds the stream: one that came in between has found none to end.
            await caller.RequireAsync(context);
            LogConnected(deviceId, request.KnownGeneration);
            if (contested)
            {
                await SayContestedAsync(deviceId, ended.Token);
            }
            await SeenAsync(deviceId, ended.Token);
            await RunAsync(stream, request, responseStream, ended.Token);
        }
        catch (OperationCanceledException) when (stream.Closed.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(stream.End == StreamEnd.ShutOut
                ? new Status(StatusCode.PermissionDenied, $"device '{deviceId}' is revoked")
                : new Status(StatusCode.Aborted, $"device '{deviceId}' has opened another stream; this one ends"));
        }
        finally
        {
            streams.Remove(stream);
            LogDisconnected(deviceId);
            await SeenAsync(deviceId, CancellationToken.None);
        }
    }

    private async Task RunAsync(DeviceStream stream, Wire.SyncRequest request, IServerStreamWriter<Wire.SyncEvent> writer, CancellationToken cancellationToken)
    {
        using ITimer timer = time.CreateTimer(static state => ((DeviceStream)state!).Wake(), stream, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        DeviceKnowledge says = await ReadAsync(request, stream.DeviceId, cancellationToken);
        long known = says.Generation;
        await writer.WriteAsync(Welcome(), cancellationToken);
        await catchUp.WithAsync(stream.DeviceId, says, cancellationToken);
        await FirstAckAsync(stream.DeviceId, says.OutboxBoot, writer, cancellationToken);
        stream.DesiredChanged();

        DateTimeOffset nextBeat = time.GetUtcNow() + settings.BeatInterval;
        DateTimeOffset nextAck = DateTimeOffset.MinValue;
        while (true)
        {
            DateTimeOffset now = time.GetUtcNow();
            if (stream.TakeDesiredChanged())
            {
                var state = await database.ReadAsync(session => DesiredStore.Read(session, stream.DeviceId), cancellationToken);
                if (state is not null && state.Generation > known)
                {
                    await writer.WriteAsync(new Wire.SyncEvent { Desired = DesiredMapping.ToWire(state) }, cancellationToken);
                    known = state.Generation;
                    nextBeat = now + settings.BeatInterval;
                }
            }
            if (now >= nextAck && stream.TakeAcked() is { } acked)
            {
                await writer.WriteAsync(Acked(acked.Boot, acked.Seq), cancellationToken);
                nextAck = now + s_ackInterval;
                nextBeat = now + settings.BeatInterval;
            }
            if (now >= nextBeat)
            {
                await writer.WriteAsync(new Wire.SyncEvent { Beat = new Wire.Beat { Time = Timestamp.FromDateTimeOffset(now) } }, cancellationToken);
                nextBeat = now + settings.BeatInterval;
            }
            DateTimeOffset due = stream.HasAcked && nextAck < nextBeat ? nextAck : nextBeat;
            timer.Change(due > now ? due - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            await stream.WaitAsync(cancellationToken);
        }
    }

    /// <summary>
    /// Numbers are added to here; a claim near the end of their range would take the arithmetic of others with it. What the
    /// database itself has reached is no claim: a device whose first one was as high as may be must still be able to repeat the
    /// next one, which it has from here.
    /// </summary>
    private async Task<DeviceKnowledge> ReadAsync(Wire.SyncRequest request, string deviceId, CancellationToken cancellationToken)
    {
        long boot = Require("outbox incarnation", request.OutboxBoot, 0);
        ((long Generation, long Epoch) stored, long contiguous) = await database.ReadAsync(
            session => (DesiredStore.VersionOf(session, deviceId), IngestStore.FindContiguous(session, deviceId, boot)), cancellationToken);
        return new DeviceKnowledge(
            Require("known generation", request.KnownGeneration, stored.Generation), Require("known epoch", request.KnownEpoch, stored.Epoch),
            boot, Require("released sequence number", request.ReleasedSeq, contiguous));

        long Require(string what, ulong value, long reached) => value <= Math.Max(MaximumNumber, (ulong)reached)
            ? (long)value
            : throw new RpcException(new Status(StatusCode.InvalidArgument, $"device '{deviceId}': {what} {value} is above {MaximumNumber}; nobody counts that far"));
    }

    private async Task SayContestedAsync(string deviceId, CancellationToken cancellationToken)
    {
        LogContested(deviceId, Contention.Enough, Contention.Window);
        try
        {
            await database.WriteAsync(
                $"contested {deviceId}",
                transaction => IngestStore.PutEvent(
                    transaction, deviceId, 0, 0, DeviceDocuments.IdentityShared, "stream",
                    $"{Contention.Enough} streams within {Contention.Window.TotalSeconds:0} s each ended the one before: two agents seem to use this identity (a copied state folder or disk image); stop one and enrol it under a name of its own",
                    "{}", time.NowMs()),
                cancellationToken);
        }
        catch (StoreUnavailableException ex)
        {
            LogSeenLost(ex, deviceId);
        }
    }

    private async Task SeenAsync(string deviceId, CancellationToken cancellationToken)
    {
        try
        {
            await database.WriteAsync($"seen {deviceId}", transaction => DeviceStore.SetSeen(transaction, deviceId, time.NowMs()), cancellationToken);
        }
        catch (StoreUnavailableException ex)
        {
            // A time of day is not worth a connection; what matters is written elsewhere and fails there.
            LogSeenLost(ex, deviceId);
        }
    }

    private Wire.SyncEvent Welcome() => new()
    {
        Welcome = new Wire.Welcome
        {
            Epoch = (ulong)database.Epoch,
            Time = Timestamp.FromDateTimeOffset(time.GetUtcNow()),
            BeatIntervalMs = (uint)settings.BeatInterval.TotalMilliseconds,
            Tenant = settings.Tenant,
            MqttHost = settings.MqttHost,
            MqttPort = (uint)settings.MqttPort,
            MqttRootsPem = settings.MqttRootsPem,
        },
    };

    private async Task FirstAckAsync(string deviceId, long boot, IServerStreamWriter<Wire.SyncEvent> writer, CancellationToken cancellationToken)
    {
        long contiguous = await database.ReadAsync(session => IngestStore.FindContiguous(session, deviceId, boot), cancellationToken);
        if (contiguous > 0)
        {
            await writer.WriteAsync(Acked(boot, contiguous), cancellationToken);
        }
    }

    private static Wire.SyncEvent Acked(long boot, long contiguous) =>
        new() { Acked = new Wire.Acked { Boot = (ulong)boot, ContiguousSeq = (ulong)contiguous } };

    [LoggerMessage(EventId = 2101, Level = LogLevel.Debug, Message = "Device {DeviceId} connected at generation {Generation}")]
    private partial void LogConnected(string deviceId, ulong generation);

    [LoggerMessage(EventId = 2102, Level = LogLevel.Debug, Message = "Device {DeviceId} is gone")]
    private partial void LogDisconnected(string deviceId);

    [LoggerMessage(EventId = 2105, Level = LogLevel.Warning, Message = "Device {DeviceId}: {Count} streams within {Window} each ended the one before. Two agents seem to use its identity (a copied state folder or disk image): stop one and enrol it under a name of its own")]
    private partial void LogContested(string deviceId, int count, TimeSpan window);

    [LoggerMessage(EventId = 2104, Level = LogLevel.Warning, Message = "What was seen of the stream of device {DeviceId} could not be stored")]
    private partial void LogSeenLost(Exception exception, string deviceId);
}
