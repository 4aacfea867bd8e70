using System.Globalization;

namespace EdgeFleet.Linux.Gpio;

/// <summary>A line by its chip and its number there, as a person writes it: <c>gpiochip0:17</c>.</summary>
/// <param name="Chip">For example <c>gpiochip0</c>.</param>
/// <param name="Line">The number, as <c>gpioinfo</c> shows it.</param>
public sealed record GpioAddress(string Chip, uint Line)
{
    public string Path => $"/dev/{Chip}";

    /// <exception cref="FormatException">It is none; the message says of what form one is.</exception>
    public static GpioAddress Parse(string text)
    {
        string[] parts = text.Split(':');
        string chip = parts[0].StartsWith("/dev/", StringComparison.Ordinal) ? parts[0]["/dev/".Length..] : parts[0];
        return parts.Length == 2 && chip.Length > 0 && chip.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            && uint.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out uint line)
            ? new GpioAddress(chip, line)
            : throw new FormatException($"'{text}' is no line; it is CHIP:LINE, for example gpiochip0:17 (see gpioinfo)");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Chip}:{Line}");
}
