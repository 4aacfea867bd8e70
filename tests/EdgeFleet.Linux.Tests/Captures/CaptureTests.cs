using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Linux.Tests.Captures;

public sealed class CaptureTests : IDisposable
{
    private readonly TemporaryFolder _device = new();
    private readonly TemporaryFolder _unpacked = new();
    private readonly MemoryStream _archive = new();
    private readonly RecordedQuestions _questions = new();

    public void Dispose()
    {
        _device.Dispose();
        _unpacked.Dispose();
        _archive.Dispose();
    }

    [Fact]
    public void What_readers_asked_for_is_packed_and_nothing_else()
    {
        _device.Write("sys/class/hwmon/hwmon0/name", "ina3221\n");
        _device.Write("sys/class/hwmon/hwmon0/in1_input", "4984\n");
        _device.Write("etc/shadow", "secret\n");
        RecordingFiles files = new(new KernelFiles(_device.Path));
        files.List("/sys/class/hwmon/hwmon0");
        files.Read("/sys/class/hwmon/hwmon0/name");
        files.Read("/sys/class/hwmon/hwmon0/power1_input");

        CaptureSummary summary = Pack(files);

        Assert.Equal(["/sys/class/hwmon/hwmon0/name"], summary.Files);
        Assert.Equal((8, 1), (summary.Bytes, summary.Errors));
        Assert.Equal([CaptureIndex.FileName, "sys/class/hwmon/hwmon0/name"], Entries().Select(entry => entry.Name));
    }

    [Fact]
    public void An_archive_says_neither_when_it_was_packed_nor_by_whom()
    {
        _device.Write("proc/version", "x");
        RecordingFiles files = new(new KernelFiles(_device.Path));
        files.Read("/proc/version");
        Pack(files);
        Assert.All(Entries(), entry => Assert.Equal((DateTimeOffset.UnixEpoch, 0, 0, ""), (entry.ModificationTime, entry.Uid, entry.Gid, ((PosixTarEntry)entry).UserName)));
    }

    [Fact]
    public void An_unpacked_capture_answers_as_the_device_did()
    {
        _device.Write("sys/a/text", "4984\n");
        _device.Write("sys/a/refused", "1\n");
        _device.Write("sys/a/never read", "1\n");
        _device.Write("sys/a/empty", "");
        File.CreateSymbolicLink(_device["sys/link"], "../target");
        FaultySystemFiles faulty = new(new KernelFiles(_device.Path));
        faulty.Fail("/sys/a/refused", Errno.Eacces);
        faulty.Fail("/sys/a/odd", (Errno)75);
        RecordingFiles recording = new(faulty);
        object[] before = Answers(recording);
        _questions.Ask("mailbox get_throttled", () => DeviceAnswer.Of("throttled=0x0"));
        _questions.Ask("perf_event_open 0 0x0", () => DeviceAnswer.Failed(Errno.Eperm, "refused"));

        CapturedFiles captured = Unpack(recording);

        Assert.Equal(before, Answers(captured));
        CapturedQuestions questions = new(captured.Index.Answers);
        Assert.Equal(DeviceAnswer.Of("throttled=0x0"), questions.Ask("mailbox get_throttled", () => throw new InvalidOperationException("the device is not here")));
        Assert.Equal(DeviceAnswer.Failed(Errno.Eperm, "refused"), questions.Ask("perf_event_open 0 0x0", () => throw new InvalidOperationException("the device is not here")));
        Assert.Equal(Errno.Enodata, questions.Ask("another", () => throw new InvalidOperationException("the device is not here")).Error);

        static object[] Answers(ISystemFiles files)
        {
            byte[] buffer = new byte[3];
            using ISystemFile open = files.Open("/sys/a/text"), refused = files.Open("/sys/a/refused");
            Errno error = open.Read(buffer, out int count), refusal = refused.Read(buffer.AsSpan(2), out _);
            return
            [
                files.Read("/sys/a/text").Text!, files.Read("/sys/a/refused").Error, files.Read("/sys/a/odd").Error, files.Read("/sys/a/empty").Text!, files.Read("/sys/missing").Error,
                string.Join(' ', files.List("/sys/a")), string.Join(' ', files.List("/sys/nothing")), files.Exists("/sys/a/never read"), files.Exists("/sys/nothing"),
                files.LinkTarget("/sys/link")!, files.LinkTarget("/sys/a/text") is null, error, Encoding.ASCII.GetString(buffer, 0, count), refusal,
            ];
        }
    }

    [Fact]
    public void A_folder_without_its_index_forgets_the_reasons()
    {
        // The control: what the test above shows is the index's doing.
        _device.Write("sys/a/refused", "1\n");
        FaultySystemFiles faulty = new(new KernelFiles(_device.Path));
        faulty.Fail("/sys/a/refused", Errno.Eacces);
        RecordingFiles recording = new(faulty);
        recording.Read("/sys/a/refused");
        Assert.Equal(Errno.Eacces, Unpack(recording).Read("/sys/a/refused").Error);

        File.Delete(_unpacked[CaptureIndex.FileName]);
        Assert.Null(CapturedFiles.TryOpen(_unpacked.Path));
        Assert.Equal(Errno.Enoent, new KernelFiles(_unpacked.Path).Read("/sys/a/refused").Error);
    }

    [Fact]
    public void A_capture_is_one_moment_of_the_device()
    {
        _device.Write("sys/clock", "1\n");
        FaultySystemFiles moving = new(new KernelFiles(_device.Path));
        moving.Answer("/sys/clock", read => $"{read}");
        RecordingFiles files = new(moving);
        Assert.Equal(("0", "0"), (files.Read("/sys/clock").Text, files.Read("/sys/clock").Text));
        Assert.Equal("0", Unpack(files).Read("/sys/clock").Text);
    }

    [Fact]
    public void A_driver_that_answers_at_the_second_time_is_captured_with_its_answer()
    {
        _device.Write("sys/late", "7\n");
        FaultySystemFiles faulty = new(new KernelFiles(_device.Path));
        faulty.Fail("/sys/late", Errno.Eagain);
        RecordingFiles files = new(faulty);
        Assert.Equal(Errno.Eagain, files.Read("/sys/late").Error);
        faulty.Fail("/sys/late", Errno.None);
        Assert.Equal("7", files.Read("/sys/late").Text);
        Assert.Equal("7", Unpack(files).Read("/sys/late").Text);
    }

    [Fact]
    public void What_tells_one_device_from_its_like_is_taken_out_and_paths_still_lead_to_their_files()
    {
        const string mac = "d8:3a:dd:12:34:56", otherMac = "d8-3a-dd-ab-cd-ef";
        _device.Write($"sys/class/power_supply/hid-{mac}-battery/type", "Battery\n");
        _device.Write("sys/text", $"seen {mac} and {otherMac}, not 1-0040 nor 12:34:56\n");
        _device.Write("proc/cpuinfo", "processor\t: 0\nSerial\t\t: 10000000abcdef01\nModel\t\t: Raspberry Pi 5\n");
        _device.Write("proc/self/mountinfo", "25 1 0:22 / /mnt rw - nfs4 files.example.org:/home rw\n30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        _device.Write("proc/self/cgroup", "0::/machine.slice/kitchen-cam.scope/kitchen\n");
        _device.Write("proc/self/status", "Name:\tedgefleet\nUid:\t1000\t1000\t1000\t1000\nGroups:\t27 1000\nVmHWM:\t  100 kB\nRssAnon:\t  10 kB\n");
        RecordingFiles files = new(new KernelFiles(_device.Path));
        foreach (string path in (string[])["/sys/text", "/proc/cpuinfo", "/proc/self/mountinfo", "/proc/self/cgroup", "/proc/self/status"])
        {
            files.Read(path);
        }
        string battery = files.List("/sys/class/power_supply").Single();
        files.Read($"/sys/class/power_supply/{battery}/type");

        CaptureSummary summary = Pack(files, hostName: "kitchen");
        CapturedFiles captured = UnpackArchive();

        string whole = Encoding.UTF8.GetString(Whole());
        foreach (string secret in (string[])[mac, otherMac, "10000000abcdef01", "files.example.org", "27 1000", "/kitchen\""])
        {
            Assert.DoesNotContain(secret, whole, StringComparison.OrdinalIgnoreCase);
        }
        string same = captured.List("/sys/class/power_supply").Single();
        Assert.Equal("hid-00:00:00:00:00:01-battery", same);
        Assert.Equal("Battery", captured.Read($"/sys/class/power_supply/{same}/type").Text);
        Assert.Equal("seen 00:00:00:00:00:01 and 00-00-00-00-00-02, not 1-0040 nor 12:34:56", captured.Read("/sys/text").Text);
        Assert.Equal("processor\t: 0\nSerial\t\t: 0000000000000000\nModel\t\t: Raspberry Pi 5", captured.Read("/proc/cpuinfo").Text);
        Assert.Equal("30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw", captured.Read("/proc/self/mountinfo").Text);
        Assert.Equal("0::/machine.slice/kitchen-cam.scope/host", captured.Read("/proc/self/cgroup").Text);
        Assert.Equal("Uid:\t1000\t1000\t1000\t1000\nVmHWM:\t  100 kB\nRssAnon:\t  10 kB", captured.Read("/proc/self/status").Text);
        Assert.Equal(4, summary.TakenOut);
    }

    [Fact]
    public void A_capture_stays_small_and_names_what_had_no_room()
    {
        _device.Write("proc/long", new string('x', CaptureWriter.LargestFile + 10));
        RecordingFiles files = new(new KernelFiles(_device.Path));
        files.Read("/proc/long");
        for (int i = 0; i < 20; i++)
        {
            _device.Write($"sys/{i:00}", new string('y', CaptureWriter.LargestFile - 1));
            files.Read($"/sys/{i:00}");
        }

        CaptureSummary summary = Pack(files);

        Assert.Equal(["/proc/long"], summary.Cut);
        Assert.Equal(["/sys/15", "/sys/16", "/sys/17", "/sys/18", "/sys/19"], summary.LeftOut);
        Assert.Equal(CaptureWriter.LargestWhole, summary.Bytes);
        CaptureIndex index = UnpackArchive().Index;
        Assert.Equal(summary.Cut, index.Cut);
        Assert.Equal(summary.LeftOut, index.LeftOut);
    }

    [Fact]
    public void No_path_leads_out_of_the_folder_that_it_is_unpacked_to()
    {
        _device.Write("root/sys/x", "1");
        _device.Write("outside", "2");
        RecordingFiles files = new(new KernelFiles(_device["root"]));
        files.Read("/sys/x");
        files.Read("/../outside");
        Assert.Equal(["/../outside"], Pack(files).LeftOut);
        Assert.DoesNotContain(Entries(), entry => entry.Name.Contains("..", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{ "schemaVersion": 1 }""")]
    [InlineData("""{ "schemaVersion": 2, "tool": "x" }""")]
    [InlineData("""{ "schemaVersion": 1, "tool": "x", "errors": { "/a": "Enotathing" } }""")]
    public void An_index_that_cannot_be_read_says_which(string index)
    {
        string path = _unpacked.Write(CaptureIndex.FileName, index);
        FormatException ex = Assert.Throws<FormatException>(() => CapturedFiles.TryOpen(_unpacked.Path));
        Assert.Contains(path, ex.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_question_is_asked_once()
    {
        int asked = 0;
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("1", _questions.Ask("q", () => DeviceAnswer.Of($"{++asked}")).Text);
        }
    }

    private CapturedFiles Unpack(RecordingFiles files)
    {
        Pack(files);
        return UnpackArchive();
    }

    private CaptureSummary Pack(RecordingFiles files, string hostName = "")
    {
        _archive.SetLength(0);
        return CaptureWriter.Write(_archive, files, _questions.Answers, hostName, "edgefleet test");
    }

    private CapturedFiles UnpackArchive()
    {
        using MemoryStream unzipped = new(Whole());
        TarFile.ExtractToDirectory(unzipped, _unpacked.Path, overwriteFiles: true);
        return CapturedFiles.TryOpen(_unpacked.Path)!;
    }

    private List<TarEntry> Entries()
    {
        using TarReader tar = new(new MemoryStream(Whole()));
        List<TarEntry> entries = [];
        while (tar.GetNextEntry(copyData: true) is { } entry)
        {
            entries.Add(entry);
        }
        return entries;
    }

    private byte[] Whole()
    {
        using GZipStream unzip = new(new MemoryStream(_archive.ToArray()), CompressionMode.Decompress);
        using MemoryStream whole = new();
        unzip.CopyTo(whole);
        return whole.ToArray();
    }
}
