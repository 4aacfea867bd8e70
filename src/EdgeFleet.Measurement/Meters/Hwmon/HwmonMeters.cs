using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters.Jetson;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>Meters out of the chips that kernel drivers show.</summary>
internal static class HwmonMeters
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(100);

    public static IEnumerable<(MeterFinding Finding, IEnergyMeter? Meter)> Find(ISystemFiles files, TimeProvider time)
    {
        IReadOnlyList<SensorChip> chips = SensorChips.Find(files);
        RailPlan plan = JetsonRails.Plan(files);
        yield return Jetson(files, time, plan);
        HashSet<string> used = [.. plan.Total.Select(rail => rail.Chip.Folder)];
        SensorChip[] others = [.. chips.Where(chip => !JetsonRails.IsIna3221(chip) && !used.Contains(chip.Folder))];
        // Only where it is the one meter of the board can it be the board's input; on a Jetson it sits on the carrier.
        bool alone = others.Length == 1 && !chips.Any(JetsonRails.IsIna3221) && !JetsonRails.IsTegra(files);
        foreach (SensorChip chip in others)
        {
            yield return Ina2xx(files, time, chip, alone);
        }
    }

    private static (MeterFinding, IEnergyMeter?) Jetson(ISystemFiles files, TimeProvider time, RailPlan plan)
    {
        const string Source = "Jetson rails (INA3221)";
        if (plan.Problem is not null)
        {
            string? advice = SensorChips.Find(files).Any(JetsonRails.IsIna3221)
                ? "say which rails make up this board's total, with a capture of its tree: a sum is never guessed"
                : JetsonRails.IsTegra(files) ? "in a container, mount /sys; else check that the kernel has the driver ina3221 ('dmesg | grep ina3221')" : null;
            return (new MeterFinding(Source, null, plan.Problem, advice), null);
        }
        JetsonBoard? board = JetsonRails.Board(files, [.. plan.Total, .. plan.Others]);
        (double? quantum, MeterAccuracy accuracy) = ChipFacts.Of(files, plan.Total, board?.ShuntOhms);
        SensorChip first = plan.Total[0].Chip;
        RailMeter meter = new(files, time, () => JetsonRails.Plan(files), new MeterIdentity
        {
            Source = $"{first.Name} {(first.Iio ? "iio" : "hwmon")} {string.Join(" + ", plan.Total.Select(rail => rail.Name))}",
            Chip = string.Join(", ", plan.Total.Select(rail => rail.Chip.Place).Distinct()),
            Rails = [.. plan.Total.Select(rail => rail.Name)],
            Kind = MeterKind.Sampled,
            Scope = MeterScope.Board,
            Period = Period(files, plan.Total),
            QuantumWatts = quantum,
            Accuracy = accuracy,
            Note = board is null ? "an unknown board: the rail that is labelled as its input" : $"{board.Name}: {(plan.Total.Count == 1 ? "this rail is the total" : "the sum of these rails is the total, its carrier is not in it")}",
        });
        return Judge(meter, files, plan.Total, plan.Others);
    }

    private static (MeterFinding, IEnergyMeter?) Ina2xx(ISystemFiles files, TimeProvider time, SensorChip chip, bool alone)
    {
        RailPlace rail = RailPlace.OfIna2xx(files, chip);
        (double? quantum, MeterAccuracy accuracy) = ChipFacts.Of(files, [rail], null);
        MeterIdentity identity = new()
        {
            Source = $"{chip.Name} hwmon {rail.Name} {chip.Address}".TrimEnd(),
            Chip = chip.Place,
            Rails = [rail.Name],
            Kind = MeterKind.Sampled,
            Scope = alone ? MeterScope.Board : MeterScope.Parts,
            Period = Period(files, [rail]),
            QuantumWatts = quantum,
            Accuracy = accuracy,
            Note = alone ? "taken for the board's input: what is wired behind its shunt nobody but you knows" : "one of several meters of this board: a part of it, unless you know better",
        };
        if (files.Exists($"{chip.Folder}/energy1_input"))
        {
            HwmonEnergyMeter energy = new(files, time, () => Again(files, chip), identity with { Kind = MeterKind.Accumulating, QuantumWatts = null });
            if (energy.Read().AbsentReason is null)
            {
                return (new MeterFinding(energy.Identity.Source, energy.Identity), energy);
            }
            energy.Dispose();
        }
        RailMeter meter = new(files, time, () => Again(files, chip) is { } found
            ? new RailPlan(null, [RailPlace.OfIna2xx(files, found)], [])
            : RailPlan.None($"{chip.Place}: gone"), identity);
        return Judge(meter, files, [rail], []);
    }

    /// <summary>The same chip under whatever number it has now: by its address, and without one by being the only of its name.</summary>
    private static SensorChip? Again(ISystemFiles files, SensorChip chip)
    {
        SensorChip[] same = [.. SensorChips.Find(files).Where(found => found.Name == chip.Name && found.Address == chip.Address)];
        return same.Length == 1 ? same[0] : same.FirstOrDefault(found => found.Folder == chip.Folder);
    }

    private static (MeterFinding, IEnergyMeter?) Judge(RailMeter meter, ISystemFiles files, IReadOnlyList<RailPlace> total, IReadOnlyList<RailPlace> others)
    {
        MeterReading reading = meter.Read();
        RailPlace? disabled = total.Concat(others).FirstOrDefault(rail => rail.Enable is not null && files.Read(rail.Enable).Text == "0");
        // A driver answers ENODATA for a channel that is off; a figure that is there all the same is an old one.
        bool off = disabled is not null && total.Contains(disabled);
        bool backwards = reading.Watts < 0;
        string? problem = reading.AbsentReason
            ?? (off ? $"{disabled!.Enable}: 0: the rail '{disabled.Name}' is turned off"
            : backwards ? FormattableString.Invariant($"{reading.Watts:0.###} W: the current flows from the load to the supply")
            : null);
        if (problem is null && disabled is null && reading.Parts.ToArray().Where(part => part.Added && part.Watts == 0).Select(part => part.Name).FirstOrDefault() is { } dead)
        {
            return (new MeterFinding(meter.Identity.Source, meter.Identity, $"the rail '{dead}' reads 0 W: the total lacks whatever it carries",
                $"look at the files of {total[0].Chip.Folder} while a model runs: a rail in use does not read 0"), meter);
        }
        if (problem is null)
        {
            return (new MeterFinding(meter.Identity.Source, meter.Identity,
                disabled is null ? null : $"the rail '{disabled.Name}' is turned off (not in the total)", disabled is null ? null : $"echo 1 > {disabled.Enable}"), meter);
        }
        Errno error = meter.Error;
        meter.Dispose();
        string? enable = (disabled ?? total[0]).Enable;
        string? advice = error switch
        {
            Errno.Enodata when enable is not null => $"the channel is turned off: echo 1 > {enable}",
            Errno.None when off => $"echo 1 > {enable}",
            Errno.None when backwards => "swap the two wires at the shunt; where a battery is being charged, measure without the charger",
            Errno.Eacces or Errno.Eperm => "let the agent's user read the chip's files below /sys",
            Errno.Eio or Errno.Etimedout or Errno.Eremoteio or Errno.Enxio => "the chip does not answer on its bus: see 'dmesg | grep -i i2c'",
            Errno.None when problem != RailMeter.Zero => $"the driver answers no number: see 'dmesg | grep -i ina'; a tree that was packed by hand may be damaged ({total[0].Chip.Folder})",
            Errno.None => $"look at the files of {total[0].Chip.Folder} while a model runs: a shunt that is bridged, or that no load is wired behind, reads 0",
            Errno.Enoent or Errno.Enodev => $"the driver shows the chip without this file: see 'ls {total[0].Chip.Folder}' and 'dmesg | grep -i ina'",
            _ => null,
        };
        return (new MeterFinding(meter.Identity.Source, null, problem, advice), null);
    }

    /// <summary>A chip that averages for longer than the period gives the same figure twice: then its own pace is the period.</summary>
    private static TimeSpan Period(ISystemFiles files, IReadOnlyList<RailPlace> rails)
    {
        TimeSpan period = s_period;
        foreach (RailPlace rail in rails)
        {
            using SensorFile interval = new(files, $"{rail.Chip.Folder}/update_interval");
            if (interval.TryRead(out long milliseconds) && milliseconds is > 0 and < 10_000 && TimeSpan.FromMilliseconds(milliseconds) > period)
            {
                period = TimeSpan.FromMilliseconds(milliseconds);
            }
        }
        return period;
    }
}
