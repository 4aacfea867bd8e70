using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class RaplMeterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Two_packages_of_different_ranges_are_unwrapped_each_by_its_own_and_added()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 262_143_000_000).RaplModelled("intel-rapl:1", "package-1", 65_532_000_000, "65532610987");
        using MeterSearch search = Find();
        IEnergyMeter meter = search.Best!;
        Assert.Equal("rapl package-0 + package-1", meter.Identity.Source);
        double before = meter.Read().Joules!.Value;

        After(1, ("intel-rapl:0", 2_671_150), ("intel-rapl:1", 389_013));

        // 0.328850 + 2.671150 J of the one and 0.610987 + 0.389013 J of the other.
        Assert.Equal(before + 4.0, meter.Read().Joules!.Value, 9);
    }

    [Fact]
    public void The_platform_zone_is_a_meter_of_its_own_and_sub_zones_are_only_shown()
    {
        // Zone 1 is psys here and a package elsewhere: names decide.
        _folder.RaplModelled("intel-rapl:0", "package-0", 1_000_000).RaplModelled("intel-rapl:0:0", "core", 500_000)
            .RaplModelled("intel-rapl:0:1", "dram", 100_000).RaplModelled("intel-rapl:1", "psys", 9_000_000).RaplModelled("intel-rapl-mmio:0", "package-0", 1_000_000);
        using MeterSearch search = Find();
        Assert.Equal(["rapl psys", "rapl package-0"], search.Meters.Select(meter => meter.Identity.Source));
        Assert.Equal([MeterScope.Board, MeterScope.Parts], search.Meters.Select(meter => meter.Identity.Scope));

        search.Meters[1].Read();
        After(1, ("intel-rapl:0", 16_000_000), ("intel-rapl:0:0", 8_500_000), ("intel-rapl:0:1", 1_100_000), ("intel-rapl:1", 33_000_000), ("intel-rapl-mmio:0", 16_000_000));
        MeterReading reading = search.Meters[1].Read();
        Assert.Equal(15.0, reading.Joules!.Value, 9);
        Assert.Equal([("package-0", 15.0, true), ("core", 8.0, false), ("dram", 1.0, false)],
            reading.Parts.ToArray().Select(part => (part.Name, Math.Round(part.Watts ?? -1, 9), part.Added)));
        Assert.Equal(24.0, search.Meters[0].Read().Joules!.Value, 9);
    }

    [Fact]
    public void Zones_that_lie_only_one_below_the_other_are_found_and_none_twice()
    {
        _folder.RaplModelled("intel-rapl/intel-rapl:0", "package-0", 1_000_000).RaplModelled("intel-rapl/intel-rapl:0/intel-rapl:0:0", "core", 500_000)
            .RaplModelled("intel-rapl:0", "package-0", 1_000_000);
        using MeterSearch search = Find();
        Assert.Equal(["package-0", "core"], search.Best!.Read().Parts.ToArray().Select(part => part.Name));
    }

    [Theory]
    [InlineData("vendor_id\t: GenuineIntel\n", 61.035e-6)]
    [InlineData("vendor_id\t: AuthenticAMD\n", 15.259e-6)]
    [InlineData("vendor_id\t: HygonGenuine\n", null)]
    [InlineData("", null)]
    public void The_step_of_the_counter_is_that_of_the_processor_s_maker(string processor, double? step)
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 1_000_000);
        _folder.Write("proc/cpuinfo", processor);
        using MeterSearch search = Find();
        Assert.Equal(step ?? 0, search.Best!.Identity.QuantumJoules ?? 0, 1e-9);
    }

    [Theory, InlineData(null), InlineData("0"), InlineData("unknown")]
    public void Without_a_range_a_step_back_drops_the_sample(string? range)
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 5_000_000, range);
        using MeterSearch search = Find();
        After(1, ("intel-rapl:0", 1_000));
        MeterReading reading = search.Best!.Read();
        Assert.Null(reading.Joules);
        Assert.True(reading.Gap);
        Assert.Contains("max_energy_range_uj", reading.AbsentReason, StringComparison.Ordinal);

        After(1, ("intel-rapl:0", 3_001_000));
        Assert.Equal((3.0, false), (Math.Round(search.Best.Read().Joules!.Value, 9), search.Best.Read().Gap));
    }

    [Fact]
    public void After_more_than_half_a_wrap_the_energy_is_not_known()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 0 + 1, "65532610987");
        using MeterSearch search = Find();
        After(66, ("intel-rapl:0", 2_000_000_000)); // 65.5 kJ at 500 W wrap after 131 s at the soonest
        MeterReading reading = search.Best!.Read();
        Assert.True(reading.Gap);
        Assert.Equal(0, reading.Joules!.Value);
        After(60, ("intel-rapl:0", 2_900_000_000));
        Assert.Equal((900.0, false), (search.Best.Read().Joules!.Value, search.Best.Read().Gap));
    }

    [Fact]
    public void A_counter_that_only_root_may_read_comes_with_the_way_to_open_it()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 5_000_000);
        FaultySystemFiles files = new(new KernelFiles(_folder.Path));
        files.Fail("/sys/class/powercap/intel-rapl:0/energy_uj", Errno.Eacces);
        using MeterSearch search = Find(files);
        Assert.Empty(search.Meters);
        MeterFinding finding = search.Findings.Single(finding => finding.Source == "rapl package-0");
        Assert.Contains("EACCES", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("tmpfiles.d", finding.Advice, StringComparison.Ordinal);
        Assert.Contains("udev", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_errno_of_one_package_is_absent_and_not_the_other_package_alone()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 5_000_000).RaplModelled("intel-rapl:1", "package-1", 5_000_000);
        foreach (Errno error in Enum.GetValues<Errno>().Where(error => error != Errno.None))
        {
            FaultySystemFiles files = new(new KernelFiles(_folder.Path));
            using MeterSearch search = Find(files);
            files.Fail("/sys/class/powercap/intel-rapl:1/energy_uj", error);
            MeterReading reading = search.Best!.Read();
            Assert.Null(reading.Joules);
            Assert.Contains(error.ToString().ToUpperInvariant(), reading.AbsentReason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_counter_at_zero_or_one_that_does_not_move_keeps_no_count()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 0);
        using (MeterSearch zero = Find())
        {
            Assert.Empty(zero.Meters);
        }
        _folder.RaplModelled("intel-rapl:0", "package-0", 5);
        using MeterSearch search = Find();
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Contains("has not moved", search.Best!.Read().AbsentReason, StringComparison.Ordinal);
        After(0, ("intel-rapl:0", 6));
        Assert.Null(search.Best.Read().AbsentReason);
    }

    [Fact]
    public void Reading_allocates_nothing_after_the_first()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 5_000_000).RaplModelled("intel-rapl:0:0", "core", 5_000_000);
        using MeterSearch search = Find();
        search.Best!.Read();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            search.Best.Read();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void After(double seconds, params (string Zone, long MicroJoules)[] counts)
    {
        _time.Advance(TimeSpan.FromSeconds(seconds));
        foreach ((string zone, long microJoules) in counts)
        {
            _folder.Write($"sys/class/powercap/{zone}/energy_uj", $"{microJoules}\n");
        }
    }

    private MeterSearch Find(ISystemFiles? files = null) => EnergyMeters.Find(files ?? new KernelFiles(_folder.Path), time: _time);
}
