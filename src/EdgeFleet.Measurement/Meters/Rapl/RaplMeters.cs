using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Rapl;

/// <summary>
/// Meters out of the zones. The platform zone (psys) holds the packages already, and a zone of <c>intel-rapl-mmio</c> is the
/// counter of its twin, so neither is added to anything; packages of several dies are.
/// </summary>
internal static class RaplMeters
{
    private const string Permission =
        "energy_uj is for root alone since CVE-2020-8694. Let the agent's group read it: a file /etc/tmpfiles.d/edgefleet-rapl.conf with the line "
        + "'z /sys/devices/virtual/powercap/intel-rapl*/*/energy_uj 0440 root edgefleet -', or a udev rule 'SUBSYSTEM==\"powercap\", ACTION==\"add\", "
        + "RUN+=\"/bin/sh -c \\'chgrp edgefleet /sys%p/energy_uj; chmod g+r /sys%p/energy_uj\\'\"'";

    public static IEnumerable<(MeterFinding Finding, IEnergyMeter? Meter)> Find(ISystemFiles files, TimeProvider time)
    {
        IReadOnlyList<RaplZone> zones = RaplZone.Find(files);
        if (zones.Count == 0)
        {
            yield return (new MeterFinding("RAPL", null, "no zone below /sys/class/powercap",
                "only x86 processors have it, virtual machines rarely; on x86 hardware 'modprobe intel_rapl_msr' may be missing"), null);
            yield break;
        }
        foreach (RaplZone platform in zones.Where(zone => zone is { IsPlatform: true, Mmio: false }))
        {
            yield return Try(files, time, [platform], [], MeterScope.Board);
        }
        RaplZone[] packages = [.. zones.Where(zone => zone is { IsPackage: true, Mmio: false })];
        if (packages.Length == 0)
        {
            packages = [.. zones.Where(zone => zone.IsPackage)];
        }
        if (packages.Length > 0)
        {
            yield return Try(files, time, packages, [.. zones.Where(zone => zone is { IsPackage: false, IsPlatform: false } && zone.Mmio == packages[0].Mmio)], MeterScope.Parts);
        }
    }

    private static (MeterFinding, IEnergyMeter?) Try(ISystemFiles files, TimeProvider time, IReadOnlyList<RaplZone> total, IReadOnlyList<RaplZone> others, MeterScope scope)
    {
        string names = string.Join(" + ", total.Select(zone => zone.Name));
        RaplMeter meter = new(files, time, total, others, new MeterIdentity
        {
            Source = $"rapl {names}",
            Chip = string.Join(", ", total.Select(zone => Path.GetFileName(zone.Folder))),
            Rails = [.. total.Select(zone => zone.Name)],
            Kind = MeterKind.Accumulating,
            Scope = scope,
            QuantumJoules = Step(files),
            Accuracy = new MeterAccuracy(null, null, "the maker states none; against external meters the dynamic energy of on-chip sensors was off by up to 73 % on average (Fahad et al. 2019)"),
            Note = scope == MeterScope.Board ? "what the firmware's maker wired to it, usually the whole platform" : "processor packages only; memory and board are not in it",
        });
        MeterReading reading = meter.Read(parts: false);
        string? problem = reading.AbsentReason ?? ZeroZone(files, total);
        if (problem is null)
        {
            return (new MeterFinding(meter.Identity.Source, meter.Identity), meter);
        }
        Errno error = meter.Error;
        meter.Dispose();
        return (new MeterFinding(meter.Identity.Source, null, problem, error is Errno.Eacces or Errno.Eperm ? Permission : null), null);
    }

    /// <summary>
    /// The energy status unit, which powercap does not show: 2^-14 J (61 µJ) on Intel's processors since Sandy Bridge, 2^-16 J
    /// (15 µJ) on AMD's since Zen; unknown of others.
    /// </summary>
    private static double? Step(ISystemFiles files) =>
        (files.Read("/proc/cpuinfo").Text ?? "").Split('\n').FirstOrDefault(line => line.StartsWith("vendor_id", StringComparison.Ordinal)) is not { } line ? null
        : line.EndsWith("GenuineIntel", StringComparison.Ordinal) ? 1.0 / (1 << 14)
        : line.EndsWith("AuthenticAMD", StringComparison.Ordinal) ? 1.0 / (1 << 16)
        : null;

    private static string? ZeroZone(ISystemFiles files, IReadOnlyList<RaplZone> zones) =>
        zones.Select(zone => zone.EnergyFile).FirstOrDefault(file => files.Read(file).Text?.Trim() == "0") is { } zero
            ? $"{zero}: 0: a virtual machine or firmware that keeps no count" : null;
}
