using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Conditions;

public sealed class GateFactsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;
    private readonly ManualTimeProvider _time = new();

    public GateFactsTests() => _files = new FaultySystemFiles(new KernelFiles(_folder.Path));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Others_have_what_is_busy_and_not_ours()
    {
        // Two cores, ten seconds: 2,000 ticks. Busy 900 of them with 50 stolen, 400 of which are ours.
        Stat(("cpu  1000 100 500 8000 200 0 0 0 50 0", "cpu  1500 200 700 8900 400 20 30 50 99 0"));
        _files.Answer("/proc/7/stat", read => $"7 (x) S 1 1 1 0 -1 0 0 0 0 0 {100 + 250 * read} {10 + 50 * read} 0 0");
        _files.Answer("/proc/8/stat", read => $"8 (y (z)) S 1 1 1 0 -1 0 0 0 0 0 {100 * read} 0 0 0");

        GateFacts facts = await CollectAsync(7, 8);

        Assert.Equal(("share of a core", ReadingState.Measured), (facts.OthersPerCore.Unit, facts.OthersPerCore.State));
        Assert.Equal(500.0 / 2000, facts.OthersPerCore.Value!.Value, 12);
    }

    [Fact]
    public async Task A_process_of_ours_that_is_gone_counts_with_the_others()
    {
        Stat(("cpu  0 0 0 0 0 0 0 0 0 0", "cpu  100 0 0 100 0 0 0 0 0 0"));

        Assert.Equal(0.5, (await CollectAsync(7)).OthersPerCore.Value);
    }

    [Fact]
    public async Task A_load_that_could_not_be_read_is_absent_and_not_zero()
    {
        _files.Fail("/proc/stat", Errno.Eacces);
        Assert.Contains("EACCES", (await CollectAsync()).OthersPerCore.Reason, StringComparison.Ordinal);

        _files.Fail("/proc/stat", Errno.None);
        Stat(("intr 1", "intr 2"));
        Assert.Contains("no line of all processors", (await CollectAsync()).OthersPerCore.Reason, StringComparison.Ordinal);

        Stat(("cpu  1 1 1 1 1 1 1 1", "cpu  1 1 1 1 1 1 1 1"));
        Assert.Contains("did not move", (await CollectAsync()).OthersPerCore.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batteries_zones_memory_and_disk_are_looked_at()
    {
        Stat(("cpu  0 0 0 0 0 0 0 0", "cpu  0 0 0 100 0 0 0 0"));
        _folder.Write("proc/meminfo", "MemAvailable:    2048 kB\n");
        _folder.Write("sys/class/power_supply/BAT0/type", "Battery\n");
        _folder.Write("sys/class/power_supply/BAT0/capacity", "81\n");
        _folder.Write("sys/class/power_supply/BAT0/status", "Discharging\n");
        _folder.Write("sys/class/power_supply/hidpp_battery_0/type", "Battery\n");
        _folder.Write("sys/class/power_supply/hidpp_battery_0/scope", "Device\n");
        _folder.Write("sys/class/power_supply/ADP1/type", "Mains\n");
        ModelledDevices.Zone(_folder, 0, "cpu-thermal", "45000", ("passive", "85000"));

        GateFacts facts = await CollectAsync();

        Assert.Equal([new Battery("BAT0", 81, "Discharging")], facts.Batteries);
        Assert.Equal([new ThermalZone("cpu-thermal", 45000, null, 85000)], facts.Zones);
        Assert.Equal((2048 * 1024.0, 12345.0), (facts.AvailableMemory.Value, facts.FreeDisk.Value));
    }

    [Fact]
    public void This_machine_s_own_processors_are_counted()
    {
        ProcessorUse? begin = ProcessorUse.Read(KernelFiles.Host, [Environment.ProcessId], out string? why);

        Assert.Null(why);
        Assert.True(begin is { Busy: > 0, Own: > 0 } && begin.Value.Total > begin.Value.Busy);
    }

    private void Stat((string Begin, string End) line) =>
        _files.Answer("/proc/stat", read => (read % 2 == 0 ? line.Begin : line.End) + "\ncpu0 1 2 3 4\nintr 5\n");

    private async Task<GateFacts> CollectAsync(params int[] own)
    {
        Task<GateFacts> facts = GateFacts.CollectAsync(_files, own, 12345, TimeSpan.FromSeconds(10), _time, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(10));
        return await facts;
    }
}
