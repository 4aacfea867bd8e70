using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Memory;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>
/// Step 0 of the protocol: whether a device is in a state in which measuring it says something, and harms nobody. Pure: the
/// same facts give the same decision.
/// </summary>
public static class MeasurementGate
{
    public static GateDecision Judge(GateFacts facts, GateLimits limits)
    {
        List<GateRefusal> refusals = [];
        List<string> notChecked = [];
        JudgeBatteries(facts, limits, refusals, notChecked);
        JudgeZones(facts, limits, refusals, notChecked);
        JudgeLoad(facts, limits, refusals, notChecked);
        JudgeMemory(facts, limits, refusals);
        JudgeDisk(facts, limits, refusals, notChecked);
        JudgeCoolDown(facts, limits, refusals, notChecked);
        return new GateDecision(refusals, notChecked);
    }

    private static void JudgeBatteries(GateFacts facts, GateLimits limits, List<GateRefusal> refusals, List<string> notChecked)
    {
        foreach (Battery battery in facts.Batteries.Where(battery => battery.IsDischarging))
        {
            if (battery.Percent is not { } percent)
            {
                notChecked.Add($"battery: {battery.Name} discharges and does not say how full it is");
            }
            else if (percent < limits.BatteryPercent)
            {
                refusals.Add(new GateRefusal(GateRefusal.BatteryLow, Say($"battery {battery} and discharging; {limits.BatteryPercent} % are asked for"), Passes: false));
            }
        }
    }

    private static void JudgeZones(GateFacts facts, GateLimits limits, List<GateRefusal> refusals, List<string> notChecked)
    {
        List<ThermalZone> known = [.. facts.Zones.Where(zone => zone.DistanceMilliCelsius is not null)];
        if (known.Count == 0)
        {
            notChecked.Add("temperature: no thermal zone tells both its temperature and a passive trip");
            return;
        }
        ThermalZone nearest = known.MinBy(zone => zone.DistanceMilliCelsius)!;
        if (nearest.DistanceMilliCelsius < limits.TripDistanceMilliCelsius)
        {
            refusals.Add(new GateRefusal(
                GateRefusal.NearTrip,
                Say($"zone {nearest.Name} is at {Celsius(nearest.MilliCelsius!.Value)}, {Celsius(nearest.DistanceMilliCelsius!.Value)} below its trip; {Celsius(limits.TripDistanceMilliCelsius)} are asked for"),
                Passes: true));
        }
    }

    private static void JudgeLoad(GateFacts facts, GateLimits limits, List<GateRefusal> refusals, List<string> notChecked)
    {
        if (limits.OthersPerCore is not { } most)
        {
            return;
        }
        if (facts.OthersPerCore is not { State: ReadingState.Measured, Value: { } others })
        {
            notChecked.Add($"load: {facts.OthersPerCore.Reason}");
        }
        else if (others > most)
        {
            refusals.Add(new GateRefusal(GateRefusal.OthersBusy, Say($"other processes take {others:0.00} of each core; {most:0.00} are allowed"), Passes: true));
        }
    }

    private static void JudgeMemory(GateFacts facts, GateLimits limits, List<GateRefusal> refusals)
    {
        if (limits.NeededMemoryBytes == 0)
        {
            return;
        }
        Headroom headroom = Headroom.Of(facts.AvailableMemory, limits.NeededMemoryBytes);
        if (headroom.State != HeadroomState.Enough)
        {
            refusals.Add(new GateRefusal(headroom.State == HeadroomState.TooLittle ? GateRefusal.MemoryLow : GateRefusal.MemoryUnknown, $"memory: {headroom.Reason}", Passes: false));
        }
    }

    private static void JudgeDisk(GateFacts facts, GateLimits limits, List<GateRefusal> refusals, List<string> notChecked)
    {
        if (limits.NeededDiskBytes == 0)
        {
            return;
        }
        if (facts.FreeDisk is not { State: ReadingState.Measured, Value: { } free })
        {
            notChecked.Add($"disk: {facts.FreeDisk.Reason}");
        }
        else if (free < limits.NeededDiskBytes)
        {
            refusals.Add(new GateRefusal(
                GateRefusal.DiskLow, Say($"{free / (1 << 20):0.0} MiB are free on the disk; {(double)limits.NeededDiskBytes / (1 << 20):0.0} MiB are asked for"), Passes: false));
        }
    }

    private static void JudgeCoolDown(GateFacts facts, GateLimits limits, List<GateRefusal> refusals, List<string> notChecked)
    {
        if (facts.SinceLastRun is not { } since || since >= limits.CoolDownCap)
        {
            return;
        }
        if (facts.IdleMilliCelsius is not { } idle || facts.Zones.Max(zone => zone.MilliCelsius) is not { } hottest)
        {
            // Without a thermometer time is all there is; it is waited out.
            notChecked.Add("cool-down: no temperature to compare with that of the idle device");
            refusals.Add(new GateRefusal(
                GateRefusal.CoolingDown, Say($"the last measurement ended {since.TotalSeconds:0} s ago and no temperature says that the device has cooled; {limits.CoolDownCap.TotalSeconds:0} s are waited"), Passes: true));
            return;
        }
        if (hottest > idle + limits.CooledWithinMilliCelsius)
        {
            refusals.Add(new GateRefusal(
                GateRefusal.CoolingDown,
                Say($"the last measurement ended {since.TotalSeconds:0} s ago and the hottest zone is at {Celsius(hottest)}, {Celsius(hottest - idle)} above idle; {Celsius(limits.CooledWithinMilliCelsius)} are allowed"),
                Passes: true));
        }
    }

    private static string Celsius(long milliCelsius) => Say($"{milliCelsius / 1000.0:0.0} °C");

    private static string Say(FormattableString sentence) => FormattableString.Invariant(sentence);
}
