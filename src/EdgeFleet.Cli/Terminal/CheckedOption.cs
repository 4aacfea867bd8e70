using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace EdgeFleet.Cli.Terminal;

/// <summary>
/// Options that say what they take instead. They read their text themselves: a validator that asks for the value of a text
/// that is none ends the process.
/// </summary>
internal static class CheckedOption
{
    public static Option<int> Whole(string name, string description, int absent, int least, int most) =>
        Number(name, description, absent, least, most, "a whole number");

    public static Option<double> Number(string name, string description, double absent, double least, double most) =>
        Number(name, description, absent, least, most, "a number");

    /// <summary>Null where it is not given: there is no number that stands for what happens then.</summary>
    public static Option<int?> Whole(string name, string description, int least, int most) =>
        Number(name, description, least, most, "a whole number");

    /// <inheritdoc cref="Whole(string, string, int, int)"/>
    public static Option<double?> Number(string name, string description, double least, double most) =>
        Number(name, description, least, most, "a number");

    /// <summary>A time above zero with its unit. A bare number is refused: to one reader it is seconds, to another days.</summary>
    public static Option<TimeSpan?> Duration(string name, string description, TimeSpan? absent = null) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        DefaultValueFactory = _ => absent,
        CustomParser = result =>
        {
            string text = Text(result);
            if (ReadDuration(text) is { } duration && duration > TimeSpan.Zero)
            {
                return duration;
            }
            result.AddError($"{name} '{text}': expected a time such as 90s, 15m, 12h, 2d or 01:30:00");
            return absent;
        },
    };

    /// <summary>An address that a browser would take: http or https, with a host.</summary>
    public static Uri? Url(ArgumentResult result)
    {
        string text = Text(result);
        if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https")
        {
            return url;
        }
        result.AddError($"'{text}' is not an address such as http://127.0.0.1:8080");
        return null;
    }

    private static Option<T> Number<T>(string name, string description, T absent, T least, T most, string kind)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = Bounds(least, most),
            DefaultValueFactory = _ => absent,
            CustomParser = result => Read(result, name, least, most, kind) ?? absent,
        };

    private static Option<T?> Number<T>(string name, string description, T least, T most, string kind)
        where T : struct, INumber<T> => new(name)
        {
            Description = description,
            HelpName = Bounds(least, most),
            CustomParser = result => Read(result, name, least, most, kind),
        };

    private static T? Read<T>(ArgumentResult result, string name, T least, T most, string kind)
        where T : struct, INumber<T>
    {
        string text = Text(result);
        // What is not a number at all lies between no bounds either.
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && value >= least && value <= most)
        {
            return value;
        }
        result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} '{text}': expected {kind} from {least:0.######} to {most:0.######}"));
        return null;
    }

    private static string Bounds<T>(T least, T most) => string.Create(CultureInfo.InvariantCulture, $"{least:0.######}..{most:0.######}");

    private static TimeSpan? ReadDuration(string text)
    {
        TimeSpan unit = text.Length == 0 ? default : text[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => default,
        };
        const double MostDays = 10_000;
        return unit > TimeSpan.Zero
            ? double.TryParse(text.AsSpan(..^1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count) && count * unit.TotalDays <= MostDays ? count * unit : null
            : text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan time) && time.TotalDays <= MostDays ? time : null;
    }

    private static string Text(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
}
