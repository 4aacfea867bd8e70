using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>
/// Power of one rail, or of the rails that a board's rule adds up. The chips are found again by name when the kernel has
/// numbered them anew.
/// </summary>
internal sealed class RailMeter : IEnergyMeter
{
    /// <summary>Two seconds at the usual period: a rail that is off reads 0 too, but a rail in use does not for so long.</summary>
    private const int ZerosUntilSuspect = 20;
    public const string Zero = "0 W: nothing that runs draws nothing, so the sensor is dead or not wired";
    private readonly ISystemFiles _files;
    private readonly TimeProvider _time;
    private readonly Func<RailPlan> _plan;
    private readonly Retry _retry;
    private RailChannel[] _total = [];
    private RailChannel[] _others = [];
    private RailReading[] _parts = [];
    private int[] _zeros = [];
    private string? _lost;

    public RailMeter(ISystemFiles files, TimeProvider time, Func<RailPlan> plan, MeterIdentity identity)
    {
        (_files, _time, _plan, Identity) = (files, time, plan, identity);
        _retry = new Retry(time);
        Open();
    }

    public MeterIdentity Identity { get; }

    /// <summary>Of the last failed read.</summary>
    public Errno Error { get; private set; }

    public MeterReading Read(bool parts = true)
    {
        MeterReading reading = ReadOnce(parts, out bool lost);
        if (!lost || !_retry.IsDue())
        {
            return reading;
        }
        Close();
        Open();
        return ReadOnce(parts, out _);
    }

    public void Dispose() => Close();

    private MeterReading ReadOnce(bool parts, out bool lost)
    {
        lost = _lost is not null;
        long before = _time.GetTimestamp();
        if (lost)
        {
            return MeterReading.Absent(_lost!, before, before);
        }
        double sum = 0;
        string? problem = null;
        for (int i = 0; i < _total.Length; i++)
        {
            bool read = _total[i].TryRead(out double watts);
            sum += read ? watts : 0;
            Keep(i, _total[i], read, watts, added: true);
            if (!read)
            {
                problem ??= _total[i].Problem;
                lost |= _total[i].Lost;
                Error = _total[i].Error;
            }
        }
        long after = _time.GetTimestamp();
        for (int i = 0; parts && i < _others.Length; i++)
        {
            bool read = _others[i].TryRead(out double watts);
            Keep(_total.Length + i, _others[i], read, watts, added: false);
            lost |= !read && _others[i].Lost;
        }
        ReadOnlyMemory<RailReading> shown = parts ? _parts : default;
        return (problem ?? (sum == 0 ? Zero : null)) is { } reason
            ? MeterReading.Absent(reason, before, after, parts: shown)
            : MeterReading.OfPower(sum, before, after, shown);
    }

    private void Keep(int index, RailChannel rail, bool read, double watts, bool added)
    {
        _zeros[index] = read && watts == 0 ? Math.Min(_zeros[index] + 1, ZerosUntilSuspect) : 0;
        _parts[index] = new RailReading(rail.Name, read ? watts : null, read ? null : rail.Problem, added, _zeros[index] == ZerosUntilSuspect);
    }

    private void Open()
    {
        RailPlan plan = _plan();
        _lost = plan.Problem;
        _total = [.. plan.Total.Select(place => new RailChannel(_files, place))];
        _others = [.. plan.Others.Select(place => new RailChannel(_files, place))];
        _parts = new RailReading[_total.Length + _others.Length];
        _zeros = new int[_parts.Length];
    }

    private void Close()
    {
        foreach (RailChannel rail in _total)
        {
            rail.Dispose();
        }
        foreach (RailChannel rail in _others)
        {
            rail.Dispose();
        }
    }
}
