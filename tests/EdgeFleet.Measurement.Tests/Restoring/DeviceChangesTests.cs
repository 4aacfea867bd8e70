using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Restoring;
using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests.Restoring;

public sealed class DeviceChangesTests : IDisposable
{
    private const string Journal = "run/edgefleet/bench-changes.json";
    private readonly TemporaryFolder _folder = new();
    private readonly KernelFiles _files;

    public DeviceChangesTests()
    {
        _files = new KernelFiles(_folder.Path);
        _folder.Write(Governor(0), "schedutil\n");
        _folder.Write(Governor(1), "ondemand\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_changed_is_put_back_when_the_measurement_ends()
    {
        using (DeviceChanges.Make(_files, _files, "performance"))
        {
            Assert.Equal(("performance", "performance"), (Read(0), Read(1)));
            Assert.True(File.Exists(_folder[Journal]));
        }
        Assert.Equal(("schedutil", "ondemand"), (Read(0), Read(1)));
        Assert.False(File.Exists(_folder[Journal]));
    }

    [Fact]
    public void What_is_changed_is_on_disk_before_it_is_changed()
    {
        List<string> journals = [];
        using (DeviceChanges.Make(_files, new Looking(_files, () => journals.Add(File.ReadAllText(_folder[Journal]))), "performance"))
        {
            Assert.Equal(2, journals.Count);
        }
        Assert.All(journals, journal => Assert.True(journal.Contains("schedutil", StringComparison.Ordinal) && journal.Contains("ondemand", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_a_killed_one_left_is_put_back_by_the_next()
    {
        LeaveBehind();
        Assert.Equal(2, DeviceChanges.RestoreLeftOver(_files, _files).Count);
        Assert.Equal(("schedutil", "ondemand"), (Read(0), Read(1)));
        Assert.Empty(DeviceChanges.RestoreLeftOver(_files, _files));

        LeaveBehind();
        using (DeviceChanges.Make(_files, _files, governor: null))
        {
            Assert.Equal(("schedutil", "ondemand"), (Read(0), Read(1)));
        }
    }

    [Fact]
    public void What_somebody_else_changed_meanwhile_is_left_to_them()
    {
        using (DeviceChanges.Make(_files, _files, "performance"))
        {
            _folder.Write(Governor(0), "powersave\n");
        }
        Assert.Equal(("powersave", "ondemand"), (Read(0), Read(1)));
    }

    [Fact]
    public void The_changes_of_one_that_is_running_are_not_undone_by_another()
    {
        using DeviceChanges running = DeviceChanges.Make(_files, _files, "performance");

        Assert.Empty(DeviceChanges.RestoreLeftOver(_files, _files));
        IOException error = Assert.Throws<IOException>(() => DeviceChanges.Make(_files, _files, "powersave"));

        Assert.Contains("another benchmark", error.Message, StringComparison.Ordinal);
        Assert.Equal(("performance", "performance"), (Read(0), Read(1)));
    }

    [Fact]
    public void Where_one_processor_refuses_the_others_are_put_back_and_the_reason_is_named()
    {
        IOException error = Assert.Throws<IOException>(() => DeviceChanges.Make(_files, new Refusing(_files, Governor(1)), "performance"));

        Assert.Contains("cpu1/cpufreq/scaling_governor' cannot be set to 'performance': Permission denied (EACCES); root may", error.Message, StringComparison.Ordinal);
        Assert.Equal(("schedutil", "ondemand"), (Read(0), Read(1)));
        Assert.False(File.Exists(_folder[Journal]));
    }

    [Fact]
    public void A_device_without_frequency_scaling_says_so()
    {
        using TemporaryFolder bare = new();
        KernelFiles files = new(bare.Path);
        IOException error = Assert.Throws<IOException>(() => DeviceChanges.Make(files, files, "performance"));
        Assert.Contains("does not scale frequencies", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_journal_that_was_cut_off_is_no_reason_to_fail()
    {
        _folder.Write(Journal, "[{\"pa");
        Assert.Empty(DeviceChanges.RestoreLeftOver(_files, _files));
        Assert.False(File.Exists(_folder[Journal]));
    }

    /// <summary>The journal and the changes, and nobody who holds the lock: what kill -9 leaves.</summary>
    private void LeaveBehind()
    {
        byte[] journal;
        using (DeviceChanges.Make(_files, _files, "performance"))
        {
            journal = File.ReadAllBytes(_folder[Journal]);
        }
        _folder.Write(Journal, journal);
        _folder.Write(Governor(0), "performance\n");
        _folder.Write(Governor(1), "performance\n");
    }

    private static string Governor(int cpu) => $"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor";

    private string Read(int cpu) => File.ReadAllText(_folder[Governor(cpu)]).Trim();

    private sealed class Refusing(ISystemSettings settings, string path) : ISystemSettings
    {
        public Errno Write(string to, string text) => to == $"/{path}" && text == "performance" ? Errno.Eacces : settings.Write(to, text);
    }

    private sealed class Looking(ISystemSettings settings, Action look) : ISystemSettings
    {
        public Errno Write(string to, string text)
        {
            look();
            return settings.Write(to, text);
        }
    }
}
