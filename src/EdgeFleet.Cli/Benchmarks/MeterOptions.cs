using System.CommandLine;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>Which energy meter is read, and a line for one that is not ours.</summary>
internal static class MeterOptions
{
    private static readonly Option<string?> s_meter = new("--meter") { Description = "An INA226 or INA228 that you wired in, by bus and address: ina226@1:0x40. Without it, the best meter that edgefleet doctor lists.", HelpName = "CHIP@BUS:ADDRESS" };
    private static readonly Option<double?> s_shunt = CheckedOption.Number("--shunt-ohms", "Its shunt: nothing on the bus tells it.", 1e-6, 1000);
    private static readonly Option<double?> s_amperes = CheckedOption.Number("--max-amperes", "The largest current that it will see.", 1e-3, 1000);
    private static readonly Option<bool> s_none = new("--no-meter") { Description = "Read no energy meter." };

    public static readonly Option<string?> Marker = CreateMarker();

    public static IReadOnlyList<Option> All { get; } = [s_meter, s_shunt, s_amperes, s_none, Marker];

    /// <summary>Those that say where a wired-in chip is.</summary>
    public static IReadOnlyList<Option> External { get; } = [s_meter, s_shunt, s_amperes];

    public static MeterChoice Of(ParseResult parsed)
    {
        MeterChoice choice = new() { External = parsed.GetValue(s_meter), ShuntOhms = parsed.GetValue(s_shunt), MaximumAmperes = parsed.GetValue(s_amperes), None = parsed.GetValue(s_none) };
        try
        {
            if (choice.External is { } external)
            {
                ExternalMeter.Parse(external, choice);
            }
            return choice;
        }
        catch (FormatException ex)
        {
            throw new CommandFailedException(ExitCode.WrongUsage, ex.Message, ex);
        }
    }

    private static Option<string?> CreateMarker()
    {
        Option<string?> option = new("--gpio-marker") { Description = "A GPIO line that falls at the start and the end of each measured window, for an external power analyser.", HelpName = "CHIP:LINE" };
        option.Validators.Add(result =>
        {
            try
            {
                GpioAddress.Parse(result.Tokens is [var token] ? token.Value : "");
            }
            catch (FormatException ex)
            {
                result.AddError($"--gpio-marker: {ex.Message}");
            }
        });
        return option;
    }
}
