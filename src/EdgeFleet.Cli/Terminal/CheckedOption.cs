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
            DefaultValueFactory = _ => absent,
            CustomParser = result =>
            {
                string text = Text(result);
                // What is not a number at all lies between no bounds either.
                if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out T value) && value >= least && value <= most)
                {
                    return value;
                }
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} '{text}': expected {kind} from {least} to {most}"));
                return absent;
            },
        };

    private static string Text(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
}
