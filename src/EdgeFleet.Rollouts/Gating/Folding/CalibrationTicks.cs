namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>The first ticks of each device of a class, kept until its noise is known.</summary>
public sealed class CalibrationTicks
{
    // Beyond the longest calibration that a policy may ask for; a baseline that is hardly ever run twice waits, and fills no memory.
    private const int KeptPerDevice = 1500;

    private readonly Dictionary<string, List<GateTick>> _devices = new(StringComparer.Ordinal);

    /// <summary>Whether any device has reported, be it that it had nothing to compare.</summary>
    public bool Any { get; private set; }

    /// <summary>Of one device, ascending, those in which it compared something.</summary>
    public IReadOnlyList<GateTick> Of(string deviceId) => _devices.TryGetValue(deviceId, out List<GateTick>? ticks) ? ticks : [];

    /// <summary>Takes one tick in, each once, in any order.</summary>
    public void Take(string deviceId, GateTick tick)
    {
        Any = true;
        if (tick.Pairs == 0)
        {
            return;
        }
        if (!_devices.TryGetValue(deviceId, out List<GateTick>? ticks))
        {
            _devices[deviceId] = ticks = [];
        }
        int at = ticks.Count;
        while (at > 0 && ticks[at - 1].Tick > tick.Tick)
        {
            at--;
        }
        ticks.Insert(at, tick);
        if (ticks.Count > KeptPerDevice)
        {
            ticks.RemoveAt(KeptPerDevice);
        }
    }
}
