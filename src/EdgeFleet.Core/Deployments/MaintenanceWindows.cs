using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Deployments;

/// <summary>When a device may begin to activate a candidate.</summary>
/// <param name="Text">The windows, one after the other with semicolons between.</param>
/// <param name="Utc">The hours are those of UTC and not of the device's own time zone.</param>
/// <param name="Downloads">Content is fetched only then, too.</param>
public sealed record MaintenanceWindows(string Text, bool Utc = false, bool Downloads = false)
{
    public const int MaximumWindows = 32;
    private const string Between = "; ";

    /// <exception cref="FormatException">There are too many, or one is none.</exception>
    public static MaintenanceWindows Of(IEnumerable<string> windows, bool utc, bool downloads)
    {
        string[] all = [.. windows.Select(window => MaintenanceWindow.Parse(window).ToString())];
        return all.Length is > 0 and <= MaximumWindows
            ? new MaintenanceWindows(string.Join(Between, all), utc, downloads)
            : throw new FormatException($"{all.Length} windows; expected 1 to {MaximumWindows}");
    }

    [JsonIgnore]
    public IReadOnlyList<MaintenanceWindow> All => [.. Text.Split(Between).Select(MaintenanceWindow.Parse)];

    /// <summary>The moment from which on a window is open: <paramref name="now"/> where one is.</summary>
    public DateTimeOffset OpensAt(DateTimeOffset now, TimeZoneInfo device)
    {
        TimeZoneInfo zone = Utc ? TimeZoneInfo.Utc : device;
        DateTime today = TimeZoneInfo.ConvertTime(now, zone).Date;
        DateTimeOffset next = DateTimeOffset.MaxValue;
        foreach (MaintenanceWindow window in All)
        {
            // From yesterday's, which may not be over, to the same day of next week.
            for (int day = -1; day <= 7; day++)
            {
                DateTime date = today.AddDays(day);
                if (!window.Begins(date.DayOfWeek))
                {
                    continue;
                }
                DateTimeOffset opens = Moment(date.AddMinutes(window.FromMinute), zone);
                if (Moment(date.AddMinutes(window.ToMinute), zone) <= now)
                {
                    continue;
                }
                if (opens <= now)
                {
                    return now;
                }
                next = opens < next ? opens : next;
            }
        }
        return next;
    }

    /// <summary>What clocks on the wall show; an hour that is skipped in spring is the one after it, and of one that comes twice it is the first.</summary>
    private static DateTimeOffset Moment(DateTime wall, TimeZoneInfo zone)
    {
        if (zone.IsInvalidTime(wall))
        {
            wall += TimeSpan.FromHours(1);
        }
        TimeSpan offset = zone.IsAmbiguousTime(wall) ? zone.GetAmbiguousTimeOffsets(wall).Max() : zone.GetUtcOffset(wall);
        return new DateTimeOffset(wall, offset);
    }
}
