using System.Globalization;

namespace Grpc.Core.Wire;

/// <summary>The <c>grpc-timeout</c> header: at most eight digits and a unit from nanoseconds to hours.</summary>
internal static class TimeoutHeader
{
    private const long MaxAmount = 99_999_999;

    // Smallest first: the first unit in which the amount has at most eight digits loses the least.
    private static readonly (char Unit, long Ticks)[] s_units =
    [
        ('u', TimeSpan.TicksPerMicrosecond),
        ('m', TimeSpan.TicksPerMillisecond),
        ('S', TimeSpan.TicksPerSecond),
        ('M', TimeSpan.TicksPerMinute),
        ('H', TimeSpan.TicksPerHour),
    ];

    /// <summary>
    /// Rounded up, so that the server never gives up before its caller; never zero, which some servers refuse. More
    /// than the format can say becomes the most that it can say.
    /// </summary>
    public static string Encode(TimeSpan timeout)
    {
        long ticks = Math.Max(timeout.Ticks, 1);
        foreach ((char unit, long unitTicks) in s_units)
        {
            long amount = (ticks / unitTicks) + (ticks % unitTicks == 0 ? 0 : 1);
            if (amount <= MaxAmount)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{amount}{unit}");
            }
        }

        return $"{MaxAmount}H";
    }

    public static bool TryDecode(string header, out TimeSpan timeout)
    {
        timeout = default;
        if (header.Length is < 2 or > 9
            || !long.TryParse(header.AsSpan(0, header.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long amount))
        {
            return false;
        }

        if (header[^1] == 'n')
        {
            timeout = TimeSpan.FromTicks((amount + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick);
            return true;
        }

        foreach ((char unit, long unitTicks) in s_units)
        {
            if (unit == header[^1])
            {
                timeout = TimeSpan.FromTicks(amount * unitTicks);
                return true;
            }
        }

        return false;
    }

    /// <summary>Saturates: 99999999H is a time span, but more than a <see cref="DateTime"/> can be moved by.</summary>
    public static DateTime DeadlineAfter(DateTime utcNow, TimeSpan timeout) =>
        timeout >= DateTime.MaxValue - utcNow ? DateTime.MaxValue : utcNow + timeout;
}
