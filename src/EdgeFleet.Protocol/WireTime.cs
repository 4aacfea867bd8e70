using Google.Protobuf.WellKnownTypes;

namespace EdgeFleet.Protocol;

/// <summary>Times from a peer, which may hold what no calendar does.</summary>
public static class WireTime
{
    /// <exception cref="FormatException">Not a time between the years 1 and 9999; the message names the field and the value.</exception>
    public static DateTimeOffset Read(string what, Timestamp time)
    {
        try
        {
            return time.ToDateTimeOffset();
        }
        catch (InvalidOperationException ex)
        {
            throw new FormatException($"{what} of {time.Seconds} s and {time.Nanos} ns since 1970 is not a time", ex);
        }
    }
}
