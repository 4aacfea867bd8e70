using System.Text;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Linux.Tests.SystemFiles;

public sealed class KernelFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_read_answers_the_text_below_the_root_or_the_kernel_s_reason()
    {
        _folder.Write("sys/class/hwmon/hwmon3/name", "ina3221\n");
        KernelFiles files = new(_folder.Path);

        Assert.Equal("ina3221", files.Read("/sys/class/hwmon/hwmon3/name").Text);
        Assert.Equal(Errno.Enoent, files.Read("/sys/class/hwmon/hwmon4/name").Error);
        Assert.Equal(Errno.Eisdir, files.Read("/sys/class/hwmon").Error);
        Assert.Equal(Errno.Enotdir, files.Read("/sys/class/hwmon/hwmon3/name/deeper").Error);
        Assert.Equal(["hwmon3"], files.List("/sys/class/hwmon"));
        Assert.Empty(files.List("/sys/class/powercap"));
        Assert.Equal("Permission denied (EACCES)", Errno.Eacces.Describe());
    }

    [Fact]
    public void A_text_longer_than_a_page_is_read_whole()
    {
        string text = string.Join('\n', Enumerable.Range(0, 5000).Select(i => $"line {i}"));
        _folder.Write("proc/long", text);

        Assert.Equal(text, new KernelFiles(_folder.Path).Read("/proc/long").Text);
    }

    [Fact]
    public void An_open_file_says_at_each_read_what_the_file_holds_then()
    {
        string path = _folder.Write("value", "1");
        using ISystemFile file = new KernelFiles(_folder.Path).Open("/value");
        byte[] buffer = new byte[16];

        Assert.Equal("1", Text(file, buffer));
        File.WriteAllText(path, "22");
        Assert.Equal("22", Text(file, buffer));
    }

    /// <summary>A writer that renames a new file over the old one, and one that removes it: the old file's last figure is no reading.</summary>
    [Fact]
    public void A_plain_file_that_was_replaced_or_removed_answers_no_longer_what_it_held()
    {
        string path = _folder.Write("value", "1");
        using ISystemFile file = new KernelFiles(_folder.Path).Open("/value");
        byte[] buffer = new byte[16];
        Assert.Equal("1", Text(file, buffer));

        File.Move(_folder.Write("next", "22"), path, overwrite: true);
        Assert.Equal("22", Text(file, buffer));

        File.Delete(path);
        Assert.Equal(Errno.Enoent, file.Read(buffer, out _));
    }

    [Fact]
    public void A_file_that_comes_later_is_opened_when_it_is_there()
    {
        using ISystemFile file = new KernelFiles(_folder.Path).Open("/late");
        byte[] buffer = new byte[16];
        Assert.Equal(Errno.Enoent, file.Read(buffer, out _));

        _folder.Write("late", "7");

        Assert.Equal("7", Text(file, buffer));
    }

    [Fact]
    public void The_host_s_own_proc_is_read_with_its_own_lengths() =>
        Assert.Contains("VmHWM:", KernelFiles.Host.Read("/proc/self/status").Text, StringComparison.Ordinal);

    private static string Text(ISystemFile file, byte[] buffer)
    {
        Assert.Equal(Errno.None, file.Read(buffer, out int count));
        return Encoding.UTF8.GetString(buffer, 0, count);
    }
}
