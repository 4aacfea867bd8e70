using System.Globalization;

namespace EdgeFleet.Core.Deployments;

/// <summary>Some hours of some days of the week, such as <c>mon-fri 22:00-02:00</c>: a window that ends before it begins ends on the next day.</summary>
public sealed record MaintenanceWindow
{
    public const string Rule = "days and hours, such as 'mon-fri 02:00-05:00', 'sat,sun 22:00-04:00' or 'daily 00:00-24:00'";
    private const int MinutesPerDay = 24 * 60;
    private static readonly string[] s_names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    private readonly bool[] _days;
    private readonly string _text;

    private MaintenanceWindow(bool[] days, int from, int to, string text) => (_days, FromMinute, ToMinute, _text) = (days, from, to, text);

    /// <summary>Minutes after midnight of the day on which it begins.</summary>
    public int FromMinute { get; }

    /// <summary>Above <see cref="FromMinute"/>; beyond 1440 it is on the next day.</summary>
    public int ToMinute { get; }

    public bool Begins(DayOfWeek day) => _days[(int)day];

    public bool Equals(MaintenanceWindow? other) => other is not null && other._text == _text;

    public override int GetHashCode() => _text.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => _text;

    /// <exception cref="FormatException">It is no window; the message says what is wrong with it.</exception>
    public static MaintenanceWindow Parse(string text)
    {
        if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var days, var hours] || hours.Split('-') is not [var from, var to])
        {
            throw new FormatException($"'{text}' is no window; expected {Rule}");
        }
        int begin = Minute(text, from);
        int end = Minute(text, to);
        if (begin == end || begin == MinutesPerDay)
        {
            throw new FormatException($"'{text}' is empty; 'daily 00:00-24:00' is always");
        }
        return new MaintenanceWindow(Days(text, days), begin, end > begin ? end : end + MinutesPerDay, $"{days} {hours}");
    }

    private static bool[] Days(string text, string days)
    {
        bool[] chosen = new bool[s_names.Length];
        if (days == "daily")
        {
            Array.Fill(chosen, true);
            return chosen;
        }
        foreach (string part in days.Split(','))
        {
            int[] ends = [.. part.Split('-').Select(name => Array.IndexOf(s_names, name))];
            if (ends.Length > 2 || ends.Contains(-1))
            {
                throw new FormatException($"'{text}': '{part}' is no day; expected {string.Join(", ", s_names[1..])}, sun, a range of two such as mon-fri, or daily");
            }
            for (int day = ends[0]; ; day = (day + 1) % s_names.Length)
            {
                chosen[day] = true;
                if (day == ends[^1])
                {
                    break;
                }
            }
        }
        return chosen;
    }

    private static int Minute(string text, string time) =>
        time == "24:00" ? MinutesPerDay
        : TimeOnly.TryParseExact(time, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out TimeOnly found) ? (found.Hour * 60) + found.Minute
        : throw new FormatException($"'{text}': '{time}' is no time; expected 00:00 to 24:00");
}
