using System.Threading.Channels;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Agent.Tests.Serving;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Tests.Support.Controller;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Syncing;

/// <summary>The agent's side of the stream, on a clock that moves when told and a disk in memory, against a controller over real TLS.</summary>
internal sealed class SyncRig : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);
    /// <summary>Beyond what <see cref="PassUntilAsync"/> lets pass: opening a stream takes no time on this clock.</summary>
    private static readonly TimeSpan s_never = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_pass = TimeSpan.FromDays(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<IReadOnlyList<string>> _changed = Channel.CreateUnbounded<IReadOnlyList<string>>();
    private readonly Channel<string> _refused = Channel.CreateUnbounded<string>();
    private readonly ControllerLink _link;
    private Task _running = Task.CompletedTask;
    private int _aways;

    private SyncRig(ScriptedController controller, ManualTimeProvider time, SimulatedDisk disk, TimeSpan longestRetry)
    {
        Controller = controller;
        Time = time;
        Disk = disk;
        State = EnrolledDevice.Create(controller, disk);
        _link = new ControllerLink(new IdentityFiles(State), EnrolledDevice.Document(controller), time, Log.CreateLogger<ControllerLink>());
        Desired = new DesiredStore(State, Log.CreateLogger<DesiredStore>());
        Outbox = Outbox.Open(disk, State.Outbox, "edgefleet/v1/default/device-1/event/gap", new OutboxOptions(), time, NullLogger<Outbox>.Instance);
        Clock = new FleetClock(time);
        Loop = new SyncLoop(_link, Desired, Outbox, Clock, new SyncOptions { FirstRetry = s_retry, LongestRetry = longestRetry, FirstAnswer = s_never }, time, Log.CreateLogger<SyncLoop>());
        Loop.DesiredChanged += models => _changed.Writer.TryWrite(models);
        Loop.DesiredRefused += (generation, reason) => _refused.Writer.TryWrite($"{generation}: {reason}");
    }

    public ScriptedController Controller { get; }
    public ManualTimeProvider Time { get; }
    public SimulatedDisk Disk { get; }
    public StateFolder State { get; }
    public LogWatch Log { get; } = new();
    public DesiredStore Desired { get; }
    public Outbox Outbox { get; }
    public FleetClock Clock { get; }
    public SyncLoop Loop { get; }

    public static async Task<SyncRig> StartAsync(TimeSpan? longestRetry = null)
    {
        ManualTimeProvider time = new();
        SyncRig rig = new(await ScriptedController.StartAsync(time), time, new SimulatedDisk(), longestRetry ?? s_retry);
        rig._running = rig.Loop.RunAsync(rig._stop.Token);
        return rig;
    }

    /// <summary>The first stream, greeted.</summary>
    public async Task<ScriptedStream> ConnectAsync(uint beatMs = 30_000)
    {
        ScriptedStream stream = await Controller.Fleet.NextStreamAsync();
        await stream.WelcomeAsync(Time.GetUtcNow(), beatMs);
        return stream;
    }

    public async Task<IReadOnlyList<string>> ChangedAsync() => await await FirstAsync(_changed.Reader.ReadAsync().AsTask());

    public async Task<string> RefusedAsync() => await await FirstAsync(_refused.Reader.ReadAsync().AsTask());

    /// <summary>The device has noticed the end of the stream and waits before it opens another.</summary>
    public async Task<string> AwayAsync()
    {
        while (true)
        {
            Task next = Log.Next(3012);
            if (Log.Messages.Where(message => message.StartsWith("No link", StringComparison.Ordinal)).Skip(_aways).FirstOrDefault() is { } said)
            {
                _aways++;
                return said;
            }
            await next;
        }
    }

    /// <summary>The next stream, after the end of the one before was noticed.</summary>
    public async Task<ScriptedStream> ReconnectedAsync()
    {
        await AwayAsync();
        Task<ScriptedStream> next = Controller.Fleet.NextStreamAsync();
        await PassUntilAsync(next);
        return await next;
    }

    /// <summary>Moves the clock from timer to timer until something has happened.</summary>
    public async Task PassUntilAsync(Task end)
    {
        while (!end.IsCompleted)
        {
            Task armed = Time.TimerCreated;
            if (Time.NextDue is { } due && due - Time.GetUtcNow() < s_pass)
            {
                Time.Advance(due - Time.GetUtcNow());
            }
            else
            {
                await await FirstAsync(Task.WhenAny(end, armed));
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // A loop that died of something that it should have lived through shows here.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _link.Dispose();
        Outbox.Dispose();
        await Controller.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<Task<T>> FirstAsync<T>(Task<T> awaited)
    {
        await Task.WhenAny(awaited, _running).WaitAsync(s_patience);
        if (!awaited.IsCompleted)
        {
            await _running;
        }
        return awaited;
    }
}
