using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Linux.Tests.Memory;

public sealed class MemoryReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;

    public MemoryReaderTests()
    {
        _files = new FaultySystemFiles(new KernelFiles(_folder.Path));
        _folder.Write("proc/7/status", "Name:\trunner\nVmPeak:\t  999999 kB\nVmHWM:\t   73104 kB\nVmRSS:\t   61208 kB\nRssAnon:\t   20480 kB\nRssFile:\t   40000 kB\nRssShmem:\t     728 kB\nVmSwap:\t       0 kB\n");
        _folder.Write("proc/7/cgroup", "9:name=systemd:/\n0::/edge/bench.scope\n");
        _folder.Write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n32 31 0:29 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n");
        _folder.Write("sys/fs/cgroup/unified/edge/bench.scope/memory.current", "104857600\n");
        _folder.Write("sys/fs/cgroup/unified/edge/bench.scope/memory.peak", "209715200\n");
        _folder.Write("sys/fs/cgroup/unified/edge/bench.scope/memory.stat", "anon 52428800\nfile 31457280\nfile_mapped 4096\nanon_thp 0\n");
        _folder.Write("sys/fs/cgroup/unified/edge/bench.scope/memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Anonymous_and_file_parts_are_told_apart_and_kilobytes_become_bytes()
    {
        ProcessMemory memory = new MemoryReader(_files, 7).Read();

        Assert.Equal(73104 * 1024.0, memory.Peak.Value);
        Assert.Equal(61208 * 1024.0, memory.Resident.Value);
        Assert.Equal(20480 * 1024.0, memory.Anonymous.Value);
        Assert.Equal(40000 * 1024.0, memory.File.Value);
        Assert.Equal(728 * 1024.0, memory.Shared.Value);
        Assert.Equal((ReadingState.Measured, 0.0), (memory.Swapped.State, memory.Swapped.Value));
        Assert.Equal(("bytes", "/proc/7/status VmHWM"), (memory.Peak.Unit, memory.Peak.Source));
    }

    [Fact]
    public void A_line_that_an_older_kernel_does_not_have_is_absent_and_not_zero()
    {
        _folder.Write("proc/7/status", "VmHWM:\t 100 kB\nRssAnon:\tmany kB\n");

        ProcessMemory memory = new MemoryReader(_files, 7).Read();

        Assert.Equal(102400, memory.Peak.Value);
        Assert.All([memory.Anonymous, memory.File, memory.Swapped], figure =>
        {
            Assert.Equal(ReadingState.Absent, figure.State);
            Assert.Null(figure.Value);
            Assert.Contains("/proc/7/status has no", figure.Reason, StringComparison.Ordinal);
        });
    }

    [Theory, InlineData(Errno.Enoent), InlineData(Errno.Eacces), InlineData(Errno.Esrch)]
    public void Whatever_the_kernel_answers_instead_of_a_status_is_the_reason_of_every_figure(Errno error)
    {
        _files.Fail("/proc/7/status", error);

        ProcessMemory memory = new MemoryReader(_files, 7).Read();

        Assert.All([memory.Peak, memory.Resident, memory.Anonymous, memory.File, memory.Shared, memory.Swapped], figure =>
        {
            Assert.Null(figure.Value);
            Assert.Contains(error.ToString().ToUpperInvariant(), figure.Reason, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void The_peak_is_reset_by_the_word_that_the_kernel_wants_and_a_refusal_is_said()
    {
        Assert.Null(new MemoryReader(_files, 7).ResetPeak(_files));
        Assert.Equal([("/proc/7/clear_refs", "5")], _files.Writes);

        _files.Fail("/proc/7/clear_refs", Errno.Eacces);
        Assert.Equal("/proc/7/clear_refs cannot be written: Permission denied (EACCES)", new MemoryReader(_files, 7).ResetPeak(_files));
    }

    [Fact]
    public void On_this_kernel_a_reset_really_forgets_what_was_given_back()
    {
        MemoryReader reader = new(KernelFiles.Host);
        Assert.Null(reader.ResetPeak(KernelFiles.Host));
        double before = reader.Read().Peak.Value!.Value;
        Touch(64 << 20);
        double during = reader.Read().Peak.Value!.Value;
        Assert.Null(reader.ResetPeak(KernelFiles.Host));
        double after = reader.Read().Peak.Value!.Value;

        Assert.True(during >= before + (48 << 20), $"{before} then {during}");
        Assert.True(after <= during - (48 << 20), $"{during} then {after}");
    }

    [Fact]
    public void The_group_s_figures_come_from_where_the_second_hierarchy_is_mounted()
    {
        CgroupMemory group = new MemoryReader(_files, 7).ReadCgroup();

        Assert.Equal("/sys/fs/cgroup/unified/edge/bench.scope", group.Folder);
        Assert.Equal(104857600, group.Current.Value);
        Assert.Equal(209715200, group.Peak.Value);
        Assert.Equal(52428800, group.Anonymous.Value);
        Assert.Equal(31457280, group.File.Value);
        Assert.Equal((1.0, "kills"), (group.OutOfMemoryKills.Value, group.OutOfMemoryKills.Unit));
    }

    [Fact]
    public void A_container_that_sees_a_part_of_the_hierarchy_finds_its_group_below_it()
    {
        _folder.Write("proc/self/mountinfo", "32 31 0:29 /edge /sys/fs/cgroup/unified/edge rw,relatime - cgroup2 cgroup2 rw\n");

        Assert.Equal("/sys/fs/cgroup/unified/edge/bench.scope", new MemoryReader(_files, 7).ReadCgroup().Folder);
    }

    [Fact]
    public void Where_a_group_is_not_accounted_every_figure_says_which_of_the_reasons_it_is()
    {
        MemoryReader reader = new(_files, 7);

        _files.Fail("/sys/fs/cgroup/unified/edge/bench.scope/memory.peak", Errno.Enoent);
        CgroupMemory old = reader.ReadCgroup();
        Assert.Equal(104857600, old.Current.Value);
        Assert.Contains("memory.peak: No such file or directory (ENOENT)", old.Peak.Reason, StringComparison.Ordinal);

        File.Delete(_folder["sys/fs/cgroup/unified/edge/bench.scope/memory.current"]);
        Assert.Contains("has no memory controller", reader.ReadCgroup().Current.Reason, StringComparison.Ordinal);

        _folder.Write("sys/fs/cgroup/unified/edge/bench.scope/cgroup.controllers", "cpu memory pids\n");
        Assert.Contains("root group", reader.ReadCgroup().File.Reason, StringComparison.Ordinal);

        _folder.Write("proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n");
        Assert.Contains("no cgroup v2 hierarchy is mounted", reader.ReadCgroup().OutOfMemoryKills.Reason, StringComparison.Ordinal);

        _folder.Write("proc/7/cgroup", "4:memory:/x\n");
        Assert.Equal("this kernel has no cgroup v2", reader.ReadCgroup().Current.Reason);
    }

    private static void Touch(int bytes)
    {
        nint memory = System.Runtime.InteropServices.Marshal.AllocHGlobal(bytes);
        unsafe
        {
            new Span<byte>((void*)memory, bytes).Fill(1);
        }
        System.Runtime.InteropServices.Marshal.FreeHGlobal(memory);
    }
}
