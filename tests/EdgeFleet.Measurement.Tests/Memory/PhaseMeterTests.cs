using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Memory;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Measurement.Tests.Memory;

public sealed class PhaseMeterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;

    public PhaseMeterTests()
    {
        _files = new FaultySystemFiles(new KernelFiles(_folder.Path));
        _folder.Write("proc/7/status", "VmHWM:\t 300 kB\nVmRSS:\t 200 kB\nRssAnon:\t 150 kB\nRssFile:\t 50 kB\n");
        _files.Answer("/proc/7/stat", read => $"7 (x) S 1 1 1 0 -1 0 {100 + 10 * read} 0 {2 * read} 0 0 0");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_phase_has_its_own_peak_and_its_own_faults()
    {
        using PhaseMeter meter = new(_files, _files, 7);

        PhaseMemory load = meter.Begin("load").End();
        PhaseMemory blocks = meter.Begin("blocks").End();

        Assert.Equal([("/proc/7/clear_refs", "5"), ("/proc/7/clear_refs", "5")], _files.Writes);
        Assert.Equal(("load", 300 * 1024.0, 150 * 1024.0), (load.Phase, load.Peak.Value, load.AtEnd.Anonymous.Value));
        Assert.Equal((10.0, 2.0), (load.MinorFaults.Value, load.MajorFaults.Value));
        Assert.Equal((10.0, 2.0), (blocks.MinorFaults.Value, blocks.MajorFaults.Value));
    }

    [Fact]
    public void Where_the_mark_cannot_be_reset_the_peak_of_the_whole_life_is_not_sold_as_that_of_the_phase()
    {
        _files.Fail("/proc/7/clear_refs", Errno.Eacces);
        using PhaseMeter meter = new(_files, _files, 7);

        PhaseMemory load = meter.Begin("load").End();

        Assert.Equal(ReadingState.Absent, load.Peak.State);
        Assert.Contains("clear_refs cannot be written: Permission denied (EACCES)", load.Peak.Reason, StringComparison.Ordinal);
        Assert.Equal(200 * 1024.0, load.AtEnd.Resident.Value);
    }

    [Fact]
    public void Faults_that_could_not_be_read_at_one_edge_are_absent_and_not_zero()
    {
        using PhaseMeter meter = new(_files, _files, 7);

        PhaseMeter.OpenPhase phase = meter.Begin("load");
        _files.Fail("/proc/7/stat", Errno.Esrch);

        PhaseMemory ended = phase.End();
        Assert.All([ended.MinorFaults, ended.MajorFaults], faults => Assert.Null(faults.Value));
    }
}
