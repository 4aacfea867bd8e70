using System.Globalization;
using EdgeFleet.Agent.Content;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Agent.Deployments;

/// <summary>Whether this device may begin now with what the plan allows in its windows only, by the device's own clock and time zone.</summary>
internal sealed class MaintenanceClock(TimeProvider time)
{
    /// <summary>This program is not older: a clock that shows less has not been set since the device was switched on.</summary>
    private static readonly DateTimeOffset s_written = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    /// <summary>A clock may be set while it is waited for.</summary>
    private static readonly TimeSpan s_longestNap = TimeSpan.FromMinutes(1);

    /// <summary>Null: it may.</summary>
    public Hold? Look(MaintenanceWindows? windows)
    {
        if (windows is null)
        {
            return null;
        }
        DateTimeOffset now = time.GetUtcNow();
        if (now < s_written)
        {
            return new Hold(FailureCodes.WaitsForWindow, $"waits for its clock: it shows {Show(now, TimeZoneInfo.Utc)}, which is before this agent was written, so no maintenance window ({windows.Text}) is known to be open", s_longestNap);
        }
        DateTimeOffset opens = windows.OpensAt(now, time.LocalTimeZone);
        if (opens <= now)
        {
            return null;
        }
        TimeZoneInfo zone = windows.Utc ? TimeZoneInfo.Utc : time.LocalTimeZone;
        return new Hold(
            FailureCodes.WaitsForWindow, $"waits for its maintenance window ({windows.Text}, {(windows.Utc ? "UTC" : $"the device's time, {zone.Id}")}); the next one opens {Show(opens, zone)}",
            opens - now < s_longestNap ? opens - now : s_longestNap);
    }

    private static string Show(DateTimeOffset moment, TimeZoneInfo zone)
    {
        DateTimeOffset there = TimeZoneInfo.ConvertTime(moment, zone);
        return there.ToString(there.Offset == TimeSpan.Zero ? "ddd yyyy-MM-dd HH:mm'Z'" : "ddd yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture);
    }
}

/// <summary>Why something may not begin now, though nothing is wrong.</summary>
/// <param name="Again">When it is worth looking again.</param>
internal sealed record Hold(string Code, string Detail, TimeSpan Again);
