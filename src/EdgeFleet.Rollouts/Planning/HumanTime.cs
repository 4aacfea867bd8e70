using System.Globalization;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>A span in the two largest units that say anything: <c>7 d 3 h</c>, <c>12 min</c>, <c>45 s</c>.</summary>
public static class HumanTime
{
    private static readonly (string Name, double Seconds)[] s_units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];

    /// <summary>Rounded up, since what it tells is how long something takes at least.</summary>
    public static string Say(TimeSpan span)
    {
        int largest = Array.FindIndex(s_units, unit => span.TotalSeconds >= unit.Seconds);
        if (largest < 0 || largest == s_units.Length - 1)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(Math.Max(span.TotalSeconds, 0)):0} s");
        }
        // Two units, so that a minute beside a week is no false precision; rounding up may fill the larger one.
        (string name, double size) = s_units[largest];
        (string smallerName, double smallerSize) = s_units[largest + 1];
        double small = Math.Ceiling(span.TotalSeconds / smallerSize);
        double perLarge = size / smallerSize;
        double large = Math.Floor(small / perLarge);
        small -= large * perLarge;
        return string.Create(CultureInfo.InvariantCulture, $"{large:0} {name}{(small > 0 ? $" {small:0} {smallerName}" : "")}");
    }
}
