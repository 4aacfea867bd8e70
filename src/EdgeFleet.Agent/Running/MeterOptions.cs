using System.CommandLine;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Agent.Running;

/// <summary>An energy meter that somebody wired in: nothing on its bus tells the shunt. Without it the device's own is read.</summary>
internal sealed class MeterOptions
{
    private readonly Option<string?> _meter = new("--meter")
    {
        Description = "An INA226 or INA228 that benchmarks read, by bus and address: ina226@1:0x40. Needs --shunt-ohms and --max-amperes.",
        HelpName = "CHIP@BUS:ADDRESS",
    };
    private readonly Option<double?> _shunt = CommandOptions.Positive("--shunt-ohms", "Its shunt.");
    private readonly Option<double?> _amperes = CommandOptions.Positive("--max-amperes", "The largest current that it will see.");

    public void AddTo(Command command)
    {
        command.Options.Add(_meter);
        command.Options.Add(_shunt);
        command.Options.Add(_amperes);
    }

    /// <exception cref="FormatException">The meter is no chip on a bus, or its shunt and largest current are missing.</exception>
    public MeterChoice Of(ParseResult parsed)
    {
        MeterChoice choice = new() { External = parsed.GetValue(_meter), ShuntOhms = parsed.GetValue(_shunt), MaximumAmperes = parsed.GetValue(_amperes) };
        if (choice.External is { } external)
        {
            ExternalMeter.Parse(external, choice);
        }
        return choice;
    }
}
