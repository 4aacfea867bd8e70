using System.Text;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>One rail with its files open.</summary>
internal sealed class RailChannel : IDisposable
{
    private readonly SensorFile? _volts;
    private readonly SensorFile? _amps;
    private readonly SensorFile? _power;
    private readonly double _wattsPerStep;
    private readonly (SensorFile File, byte[] Text)[] _guards;
    private readonly string _zeroVolts;
    private readonly string _otherRail;
    private readonly string _implausible;

    public RailChannel(ISystemFiles files, RailPlace place)
    {
        Name = place.Name;
        _volts = place.Volts is null ? null : new SensorFile(files, place.Volts);
        _amps = place.Amps is null ? null : new SensorFile(files, place.Amps);
        _power = place.Power is null ? null : new SensorFile(files, place.Power);
        _wattsPerStep = place.WattsPerStep;
        _guards = [.. place.Guards.Select(guard => (new SensorFile(files, guard.Path), Encoding.UTF8.GetBytes(guard.Text)))];
        _zeroVolts = $"{place.Volts}: 0 V: the rail '{Name}' is off, or its sensor is dead";
        _implausible = $"{place.Power ?? place.Amps}: more than 10 kW: no power of the rail '{Name}'";
        _otherRail = $"{place.Chip.Folder}: no longer the rail '{Name}'";
    }

    public string Name { get; }

    /// <summary>The file that decides on the last failure, for advice.</summary>
    public Errno Error { get; private set; }

    /// <summary>Why the last read failed.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>The last read failed because the chip is no longer where it was.</summary>
    public bool Lost { get; private set; }

    /// <returns>False with <see cref="Problem"/>. A rail without voltage is no rail at 0 W.</returns>
    public bool TryRead(out double watts)
    {
        (Lost, Error) = (false, Errno.None);
        if (!TryReadValue(out watts) || !IsStillThis())
        {
            return false;
        }
        if (!Plausible.Watts(watts))
        {
            Problem = _implausible;
            return false;
        }
        return true;
    }

    public void Dispose()
    {
        _volts?.Dispose();
        _amps?.Dispose();
        _power?.Dispose();
        foreach ((SensorFile file, _) in _guards)
        {
            file.Dispose();
        }
    }

    private bool TryReadValue(out double watts)
    {
        watts = 0;
        if (_power is not null)
        {
            long milliAmps = 0;
            if (!Read(_power, out long steps) || (_amps is not null && !Read(_amps, out milliAmps)))
            {
                return false;
            }
            watts = milliAmps < 0 ? -Math.Abs(steps) * _wattsPerStep : steps * _wattsPerStep;
            return true;
        }
        if (!Read(_volts!, out long milliVolts) || !Read(_amps!, out long current))
        {
            return false;
        }
        if (milliVolts <= 0)
        {
            Problem = _zeroVolts;
            return false;
        }
        watts = milliVolts * 1e-3 * (current * 1e-3);
        return true;
    }

    /// <summary>
    /// After the values, not before: a handle that came back as another device's is seen here, whenever it did. Devices are
    /// numbered anew when a driver is loaded again.
    /// </summary>
    private bool IsStillThis()
    {
        foreach ((SensorFile file, byte[] text) in _guards)
        {
            if (!file.Says(text))
            {
                (Lost, Problem, Error) = (true, _otherRail, file.Error);
                return false;
            }
        }
        return true;
    }

    private bool Read(SensorFile file, out long value)
    {
        if (file.TryRead(out value))
        {
            return true;
        }
        (Lost, Problem, Error) = (file.Lost, file.Problem, file.Error);
        return false;
    }
}
