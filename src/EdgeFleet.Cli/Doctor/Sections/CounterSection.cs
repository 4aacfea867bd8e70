using EdgeFleet.Linux.PerfEvents;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>What the processor counts: each event is opened once, as a benchmark does.</summary>
internal static class CounterSection
{
    public const string Area = "counters";

    public static IEnumerable<Finding> Look(Device device)
    {
        foreach (CorePmu pmu in CorePmu.ReadAll(device.Files))
        {
            yield return new Finding(Area, pmu.Name, FindingState.Found, pmu.Cpus is null ? "counts on all cores" : $"counts on cores {pmu.Cpus}",
                pmu.Cpus is null ? null : "cores of two kinds count apart: 'edgefleet bench --cpus' keeps a benchmark on one kind");
        }
        if (device.Kind == DeviceKind.Folder)
        {
            yield return new Finding(Area, "events", FindingState.Limited, Device.NotAsked);
            yield break;
        }
        AskedCounters kernel = new(device.Questions);
        using PerfCounters counters = new(kernel, device.Files, PerfEventTable.Generic);
        counters.Start();
        counters.Stop();
        // What one reason explains is one finding.
        foreach (IGrouping<string, (string Name, string Reason)> group in counters.Read()
            .Select(count => (count.Event.Name, Reason: kernel.Opens(count.Event) ? "" : WithoutName(count))).GroupBy(count => count.Reason))
        {
            string names = string.Join(", ", group.Select(count => count.Name));
            // The reason says what to do where something can be done.
            string[] parts = group.Key.Split(". ", 2);
            yield return group.Key.Length == 0
                ? new Finding(Area, names, FindingState.Found, "counted per inference, user space only")
                : new Finding(Area, names, FindingState.Absent, parts[0], parts.Length > 1 ? parts[1] : null);
        }
    }

    private static string WithoutName(PerfCount count)
    {
        string reason = count.Reason ?? "";
        string prefix = $"{count.Event.Name}: ";
        return reason.StartsWith(prefix, StringComparison.Ordinal) ? reason[prefix.Length..] : reason;
    }
}
