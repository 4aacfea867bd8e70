using System.Text;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Linux.Tests.Files;

public sealed class DurableFileTests
{
    private static readonly byte[] s_old = Encoding.UTF8.GetBytes("the old content");
    private static readonly byte[] s_new = Encoding.UTF8.GetBytes("the new content, which is longer");

    public static TheoryData<PowerCutLoss> Losses => [.. Enum.GetValues<PowerCutLoss>()];

    [Theory, MemberData(nameof(Losses))]
    public void A_power_cut_at_any_step_leaves_the_old_content_or_the_new(PowerCutLoss loss)
    {
        int steps = StepsOf(disk => DurableFile.Write(disk, "/state/file", s_new));
        for (int cut = 1; cut <= steps + 1; cut++)
        {
            byte[]? found = CutAt(cut, loss, disk => DurableFile.Write(disk, "/state/file", s_new), out bool ended);

            Assert.Contains(found, new[] { s_old, s_new });
            Assert.True(!ended || found!.SequenceEqual(s_new), $"cut {cut}: the write had returned, and its content is gone");
        }
    }

    [Theory, InlineData(PowerCutLoss.Everything), InlineData(PowerCutLoss.Content), InlineData(PowerCutLoss.HalfOfContent)]
    public void Without_flushes_the_same_experiment_loses_content(PowerCutLoss loss)
    {
        // The negative control: the disk does find a write that flushes nothing.
        int steps = StepsOf(disk => DurableFile.Write(new UnflushedFileStore(disk), "/state/file", s_new));
        byte[]? found = CutAt(steps + 1, loss, disk => DurableFile.Write(new UnflushedFileStore(disk), "/state/file", s_new), out bool ended);

        Assert.True(ended);
        Assert.NotEqual(s_new, found);
    }

    [Fact]
    public void A_full_disk_leaves_the_old_content_and_no_temporary_file()
    {
        SimulatedDisk disk = NewDisk();
        disk.CapacityBytes = s_old.Length + 10;

        IOException error = Assert.Throws<IOException>(() => DurableFile.Write(disk, "/state/file", s_new));

        Assert.Contains("No space left", error.Message, StringComparison.Ordinal);
        Assert.Equal(s_old, disk.Read("/state/file"));
        Assert.Equal(["file"], disk.List("/state"));
    }

    [Fact]
    public void A_real_file_is_replaced_with_the_mode_that_was_asked_for()
    {
        using TemporaryFolder folder = new();
        string path = folder["a/b/key"];
        DurableDirectory.Create(LinuxFileStore.Instance, folder["a/b"], DurableDirectory.PrivateMode);

        DurableFile.Write(path, s_old, DurableFile.PrivateMode);
        DurableFile.Write(path, s_new, DurableFile.PrivateMode);

        Assert.Equal(s_new, File.ReadAllBytes(path));
        Assert.Equal(DurableFile.PrivateMode, File.GetUnixFileMode(path));
        Assert.Equal(["key"], LinuxFileStore.Instance.List(folder["a/b"]));
    }

    [Fact]
    public void A_link_is_moved_to_its_new_target_in_one_step()
    {
        using TemporaryFolder folder = new();
        DurableFile.Link(LinuxFileStore.Instance, folder["current"], "../one");
        DurableFile.Link(LinuxFileStore.Instance, folder["current"], "../two");

        Assert.Equal("../two", LinuxFileStore.Instance.ReadLink(folder["current"]));
        Assert.Equal(["current"], LinuxFileStore.Instance.List(folder.Path));
    }

    [Fact]
    public void Folders_are_flushed_from_the_top_down_so_that_none_is_lost()
    {
        SimulatedDisk disk = new();
        DurableDirectory.Create(disk, "/a/b/c");

        Assert.True(disk.AfterPowerCut(PowerCutLoss.Everything).Exists("/a/b/c"));
    }

    private static SimulatedDisk NewDisk()
    {
        SimulatedDisk disk = new();
        DurableDirectory.Create(disk, "/state");
        DurableFile.Write(disk, "/state/file", s_old);
        return disk;
    }

    private static int StepsOf(Action<SimulatedDisk> act)
    {
        SimulatedDisk disk = NewDisk();
        int before = disk.Operations.Count;
        act(disk);
        return disk.Operations.Count - before;
    }

    private static byte[]? CutAt(int step, PowerCutLoss loss, Action<SimulatedDisk> act, out bool ended)
    {
        SimulatedDisk disk = NewDisk();
        disk.CutBefore = disk.Operations.Count + step;
        ended = false;
        try
        {
            act(disk);
            ended = true;
        }
        catch (PowerCutException)
        {
            // As planned; what the next start finds is the result.
        }
        return disk.AfterPowerCut(loss).Read("/state/file");
    }
}
