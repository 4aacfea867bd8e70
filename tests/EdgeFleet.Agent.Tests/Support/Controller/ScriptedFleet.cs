using System.Threading.Channels;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Protocol;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Support.Controller;

/// <summary>Hands each stream that a device opens to the test, which says what comes on it and how it ends.</summary>
internal sealed class ScriptedFleet : Wire.Fleet.FleetBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private readonly Channel<ScriptedStream> _opened = Channel.CreateUnbounded<ScriptedStream>();
    private int _opens;

    /// <summary>Who is turned away before a stream is opened, and how.</summary>
    public Func<string, Status?> Refuse { get; set; } = static _ => null;

    /// <summary>Streams asked for so far, refused ones too.</summary>
    public int Opens => Volatile.Read(ref _opens);

    public override async Task Sync(Wire.SyncRequest request, IServerStreamWriter<Wire.SyncEvent> responseStream, ServerCallContext context)
    {
        Interlocked.Increment(ref _opens);
        string device = ScriptedController.Caller(context);
        if (Refuse(device) is { } status)
        {
            throw new RpcException(status);
        }
        ScriptedStream stream = new(device, request, responseStream);
        await _opened.Writer.WriteAsync(stream, context.CancellationToken);
        await stream.Ended.WaitAsync(context.CancellationToken);
    }

    public async Task<ScriptedStream> NextStreamAsync() => await _opened.Reader.ReadAsync().AsTask().WaitAsync(s_patience);
}

/// <summary>One open stream.</summary>
internal sealed class ScriptedStream(string device, Wire.SyncRequest request, IServerStreamWriter<Wire.SyncEvent> writer)
{
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Device => device;
    public Wire.SyncRequest Request => request;
    public Task Ended => _end.Task;

    public Task WelcomeAsync(DateTimeOffset time, uint beatMs = 30_000) => SayAsync(new Wire.SyncEvent
    {
        Welcome = new Wire.Welcome
        {
            Epoch = 1, Time = Timestamp.FromDateTimeOffset(time), BeatIntervalMs = beatMs, Tenant = "default", MqttHost = "127.0.0.1", MqttPort = 8883,
        },
    });

    public Task BeatAsync(DateTimeOffset time) => SayAsync(new Wire.SyncEvent { Beat = new Wire.Beat { Time = Timestamp.FromDateTimeOffset(time) } });

    public Task AckAsync(long boot, long seq) => SayAsync(new Wire.SyncEvent { Acked = new Wire.Acked { Boot = (ulong)boot, ContiguousSeq = (ulong)seq } });

    public Task WantAsync(long generation, long epoch, params DesiredDeployment[] models) =>
        WantAsync(DesiredMapping.ToWire(new DesiredState(generation, epoch, models.ToDictionary(model => model.Model))));

    public Task WantAsync(Wire.DesiredState state) => SayAsync(new Wire.SyncEvent { Desired = state });

    public Task SayAsync(Wire.SyncEvent message) => writer.WriteAsync(message);

    public void End() => _end.TrySetResult();

    public void Fail(StatusCode code, string detail) => _end.TrySetException(new RpcException(new Status(code, detail)));
}
