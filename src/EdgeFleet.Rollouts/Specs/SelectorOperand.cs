using System.Globalization;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>The right side of a comparison by value.</summary>
internal static class SelectorOperand
{
    /// <returns>The sign of a device's value against the operand; null where the device's value is of no use.</returns>
    /// <exception cref="FormatException">The name has no order, or the operand is not of its type.</exception>
    public static Func<string, int?> Ordered(string name, SelectorType type, string symbol, string operand)
    {
        if (type == SelectorType.Text)
        {
            throw new FormatException($"{name} {symbol} {operand}: {name} is text and has no order");
        }
        if (type == SelectorType.Version)
        {
            Version wanted = ReadVersion(operand) ?? throw new FormatException($"{name} {symbol} '{operand}': expected a version such as 1.4.0");
            return value => ReadVersion(value)?.CompareTo(wanted);
        }
        double number = ReadNumber(operand) ?? throw new FormatException($"{name} {symbol} '{operand}': expected a number");
        return value => ReadNumber(value)?.CompareTo(number);
    }

    private static double? ReadNumber(string text) =>
        double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) ? number : null;

    /// <summary>What follows a + or a - says how it was built; missing parts are 0.</summary>
    private static Version? ReadVersion(string text)
    {
        string numbers = text.Split('+', '-')[0];
        return Version.TryParse(numbers.Contains('.') ? numbers : numbers + ".0", out Version? version)
            ? new Version(version.Major, version.Minor, Math.Max(version.Build, 0), Math.Max(version.Revision, 0))
            : null;
    }
}
