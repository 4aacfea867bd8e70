using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Stages;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>
/// Drives one rollout: reads, lets the rules decide, writes, waits for news or for the time that the rules named. It remembers
/// nothing that is not in the store, so it may be killed anywhere and begun again.
/// </summary>
internal sealed partial class RolloutLoop
{
    // News come in bursts (a thousand devices report at once); one look takes them all in.
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);
    // Presence changes without a report that would wake us; a look this often notices silence in time.
    private static readonly TimeSpan s_longestSleep = TimeSpan.FromSeconds(15);

    private readonly string _rolloutId;
    private readonly string _model;
    private readonly Database _database;
    private readonly RolloutWriter _writer;
    private readonly RolloutWorldReader _reader;
    private readonly SignalBoard _signals;
    private readonly TimeProvider _time;
    private readonly ILogger<RolloutLoop> _log;
    private IReadOnlyList<GateVerdict> _current = [];

    public RolloutLoop(string rolloutId, string model, Database database, RolloutWriter writer, RolloutWorldReader reader, SignalBoard signals, TimeProvider time, ILogger<RolloutLoop> log)
    {
        _rolloutId = rolloutId;
        _model = model;
        _database = database;
        _writer = writer;
        _reader = reader;
        _signals = signals;
        _time = time;
        _log = log;
    }

    /// <summary>The newest verdict of each hardware class, for showing; not all of them are stored.</summary>
    public IReadOnlyList<GateVerdict> Current => Volatile.Read(ref _current);

    /// <summary>Runs until the rollout is over.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task news = Task.WhenAny(_signals.Next(SignalBoard.Rollout(_rolloutId)), _signals.Next(SignalBoard.Model(_model)));
            DateTimeOffset? wakeAt;
            long began = _time.GetTimestamp();
            try
            {
                (bool ended, wakeAt) = await StepAsync(cancellationToken);
                if (ended)
                {
                    return;
                }
            }
            catch (StoreUnavailableException ex)
            {
                LogStoreAway(ex, _rolloutId, s_retry);
                await Task.Delay(s_retry, _time, cancellationToken);
                continue;
            }
            // A large fleet's look takes longer than a small one's; looking takes at most a fifth of the time.
            TimeSpan pause = _time.GetElapsedTime(began) * 4;
            await SleepAsync(news, wakeAt, cancellationToken);
            await Task.Delay(pause > s_gather ? pause : s_gather, _time, cancellationToken);
        }
    }

    /// <summary>One look at the world, written when it changed something.</summary>
    internal async Task<(bool Ended, DateTimeOffset? WakeAt)> StepAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            (RolloutRow row, RolloutDecision decision) = await _database.ReadAsync(
                session =>
                {
                    RolloutRow found = RolloutStore.Find(session, _rolloutId) ?? throw new InvalidOperationException($"rollout '{_rolloutId}' is not in the store");
                    RolloutState state = RolloutDocumentCodec.ReadState(found.State);
                    return (found, RolloutReconciler.Decide(state, _reader.Read(session, state, _time.GetUtcNow())));
                },
                cancellationToken);
            Volatile.Write(ref _current, decision.Current);
            if (row.EndedAt is not null)
            {
                return (true, null);
            }
            if (!decision.Changed)
            {
                return (false, decision.WakeAt);
            }
            IReadOnlyList<VerdictRow> verdicts = RolloutWriter.Pack(decision);
            bool written = await _database.WriteAsync($"rollout {_rolloutId}", transaction => _writer.Write(transaction, row, decision, verdicts), cancellationToken);
            if (written)
            {
                foreach (RolloutEvent e in decision.Events)
                {
                    LogEvent(_rolloutId, e.HardwareClass, e.Kind, e.Message);
                }
                return (StageTransitions.IsEnd(decision.Next.Phase), decision.WakeAt);
            }
            // An operator's command came in between; decide again on what it left.
        }
    }

    private async Task SleepAsync(Task news, DateTimeOffset? wakeAt, CancellationToken cancellationToken)
    {
        TimeSpan sleep = wakeAt is { } at ? at - _time.GetUtcNow() : s_longestSleep;
        sleep = sleep < TimeSpan.Zero ? TimeSpan.Zero : sleep < s_longestSleep ? sleep : s_longestSleep;
        using CancellationTokenSource woken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(news, Task.Delay(sleep, _time, woken.Token));
        await woken.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    [LoggerMessage(EventId = 2401, Level = LogLevel.Information, Message = "Rollout {RolloutId} {HardwareClass}: {Kind}: {What}")]
    private partial void LogEvent(string rolloutId, string hardwareClass, string kind, string what);

    [LoggerMessage(EventId = 2402, Level = LogLevel.Warning, Message = "Rollout {RolloutId} could not be read or written; next attempt in {Pause}")]
    private partial void LogStoreAway(Exception exception, string rolloutId, TimeSpan pause);
}
