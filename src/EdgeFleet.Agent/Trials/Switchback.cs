namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Turns the shadow on and off in cycles of one second, in an order that a coin says, and measures the served model in both.
/// </summary>
/// <param name="read">Served latencies since the model's activation, which is given too; null while the runner does not say.</param>
internal sealed class Switchback(
    ShadowTax tax, Func<bool> coin, Func<CancellationToken, Task<(DateTimeOffset Since, LogLatency Latency)?>> read, TimeProvider time)
{
    public static readonly TimeSpan Comparing = TimeSpan.FromMilliseconds(750);
    public static readonly TimeSpan Resting = TimeSpan.FromMilliseconds(250);

    private (DateTimeOffset Since, LogLatency Latency)? _atStart;
    private LogLatency? _first;
    private long _began;
    private bool _started;
    private bool _second;

    /// <summary>The shadow may run now.</summary>
    public bool On { get; private set; }

    /// <summary>Until the window that is open ends.</summary>
    public TimeSpan Left
    {
        get
        {
            TimeSpan left = (On ? Comparing : Resting) - time.GetElapsedTime(_began);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Ends the window whose time is over and opens the next one.</summary>
    public async Task AdvanceAsync(CancellationToken cancellationToken)
    {
        if (_started && Left > TimeSpan.Zero)
        {
            return;
        }
        (DateTimeOffset Since, LogLatency Latency)? now = await read(cancellationToken).ConfigureAwait(false);
        if (_started)
        {
            EndWindow(now);
        }
        On = _started && _second ? !On : coin();
        _started = true;
        _atStart = now;
        _began = time.GetTimestamp();
    }

    private void EndWindow((DateTimeOffset Since, LogLatency Latency)? now)
    {
        // A model that was swapped in between counts anew: the window says nothing.
        LogLatency? window = now is { } end && _atStart is { } start && end.Since == start.Since ? end.Latency - start.Latency : null;
        if (!_second)
        {
            (_first, _second) = (window, true);
            return;
        }
        if (_first is { } first && window is { } second)
        {
            (LogLatency comparing, LogLatency resting) = On ? (second, first) : (first, second);
            tax.Add(comparing, resting);
        }
        _second = false;
    }
}
