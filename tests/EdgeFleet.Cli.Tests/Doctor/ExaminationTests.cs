using System.Formats.Tar;
using System.IO.Compression;
using EdgeFleet.Cli.Doctor;
using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Cli.Tests.Doctor;

public sealed class ExaminationTests : IDisposable
{
    private static readonly string[] s_areas = ["board", "energy", "throttling", "temperature", "clocks", "counters", "memory", "gpio", "runtime"];
    private readonly TemporaryFolder _root = ModelledOrinNano.Write(new TemporaryFolder());
    private readonly TemporaryFolder _unpacked = new();
    private readonly FaultySystemFiles _files;

    public ExaminationTests() => _files = new FaultySystemFiles(new KernelFiles(_root.Path));

    public void Dispose()
    {
        _root.Dispose();
        _unpacked.Dispose();
    }

    [Fact]
    public void An_Orin_Nano_is_told_which_rail_gives_its_joules()
    {
        Finding[] findings = Look();

        Assert.Equal(s_areas, findings.Select(finding => finding.Area).Distinct());
        Finding meter = findings.First(finding => finding.Area == "energy");
        Assert.Equal(("ina3221 hwmon VDD_IN", FindingState.Found), (meter.Name, meter.State));
        Assert.StartsWith("the one that edgefleet bench reads; measured; whole board; 9.25 W now (VDD_CPU_GPU_CV 3.185 W, VDD_SOC 1.592 W: shown, not added); samples power every 100 ms; rails VDD_IN, step 39.872 mW", meter.Detail, StringComparison.Ordinal);
        Assert.Contains(new Finding("board", "model", FindingState.Found, "NVIDIA Jetson Orin Nano Developer Kit"), findings);
        Assert.Equal("15W (mode 0)", One(findings, "board", "power mode").Detail);
        Assert.Contains("R36", One(findings, "board", "Jetson Linux").Detail, StringComparison.Ordinal);
        Assert.Equal("48.3 °C, slows the device from 99.0 °C", One(findings, "temperature", "cpu-thermal").Detail);
        Assert.Equal(FindingState.Absent, One(findings, "temperature", "gpu-thermal").State);
        Assert.Contains("2 times", One(findings, "throttling", "soctherm_oc oc3").Detail, StringComparison.Ordinal);
        Assert.Contains("--governor performance", One(findings, "clocks", "cpu0 to cpu5").Advice, StringComparison.Ordinal);
        Assert.Contains("jetson_clocks", One(findings, "clocks", "17000000.gpu").Advice, StringComparison.Ordinal);
        Assert.Equal(FindingState.Found, One(findings, "counters", "cycles, instructions").State);
        Assert.Contains("this processor does not count it", findings.Single(finding => finding.Area == "counters" && finding.Name == "cache-references").Detail, StringComparison.Ordinal);
        Assert.Contains("group", One(findings, "gpio", "gpiochip0").Advice, StringComparison.Ordinal);
        Assert.Equal((FindingState.Absent, "Failed to load shared library"), (One(findings, "runtime", "CUDAExecutionProvider").State, One(findings, "runtime", "CUDAExecutionProvider").Detail));
        Assert.Contains("EDGEFLEET_ONNXRUNTIME", One(findings, "runtime", "GPU of the Jetson").Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Errno.Eacces, "let the agent's user read the chip's files")]
    [InlineData(Errno.Enodata, "echo 1 > " + ModelledOrinNano.Rails + "/in1_enable")]
    [InlineData(Errno.Eio, "dmesg | grep -i i2c")]
    public void A_rail_that_does_not_answer_says_what_to_do(Errno error, string advice)
    {
        _files.Fail($"{ModelledOrinNano.Rails}/curr1_input", error);
        Finding meter = Look().First(finding => finding.Area == "energy");
        Assert.Equal(FindingState.Absent, meter.State);
        Assert.Contains(error.Describe(), meter.Detail, StringComparison.Ordinal);
        Assert.Contains(advice, meter.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_file_fails_or_holds_nonsense_every_area_still_has_a_finding_and_every_absence_a_reason()
    {
        Device whole = Device.Of(_files, new CapturedQuestions(ModelledOrinNano.Answers));
        Examination.Of(whole);
        string[] paths = [.. whole.Files.Texts.Where(file => file.Value.Text is not null).Select(file => file.Key)];
        Assert.InRange(paths.Length, 50, 500);
        foreach (string path in paths)
        {
            foreach (Action<FaultySystemFiles> spoil in (Action<FaultySystemFiles>[])[files => files.Fail(path, Errno.Eacces), files => files.Fail(path, Errno.Enodev), files => files.Answer(path, _ => "n/a"), files => files.Answer(path, _ => "")])
            {
                FaultySystemFiles spoilt = new(new KernelFiles(_root.Path));
                spoil(spoilt);
                Finding[] findings = [.. Examination.Of(Device.Of(spoilt, new CapturedQuestions(ModelledOrinNano.Answers)))];
                Assert.Equal(s_areas, findings.Select(finding => finding.Area).Distinct());
                Assert.All(findings, finding => Assert.True(finding.Detail.Length > 0 && finding.Name.Length > 0, $"{path}: {finding}"));
            }
        }
    }

    [Fact]
    public void An_unpacked_capture_gives_the_same_findings_as_the_device()
    {
        _files.Fail("/proc/sys/kernel/perf_event_paranoid", Errno.Eperm);
        _files.Fail("/sys/class/thermal/thermal_zone1/temp", Errno.Eagain);
        _files.Fail("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_cur_freq", Errno.Eacces);
        _files.Fail($"{ModelledOrinNano.Rails}/curr3_input", Errno.Eio);
        Device device = Device.Of(_files, new CapturedQuestions(ModelledOrinNano.Answers));
        IReadOnlyList<Finding> findings = Examination.Of(device);

        Device captured = Unpacked(device);

        Assert.Equal(DeviceKind.Captured, captured.Kind);
        Assert.Equal(findings, Examination.Of(captured));
    }

    [Fact]
    public void A_Raspberry_Pi_s_firmware_is_asked_and_its_answers_are_captured_too()
    {
        using TemporaryFolder pi = new();
        pi.Write("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0");
        Dictionary<string, DeviceAnswer> answers = new()
        {
            ["mailbox get_throttled"] = DeviceAnswer.Of("throttled=0x50005"),
            ["mailbox pmic_read_adc"] = DeviceAnswer.Of("   VDD_CORE_A current(7)=1.54489000A\n   VDD_CORE_V volt(15)=0.88725180V\n"),
        };
        Device device = Device.Of(new KernelFiles(pi.Path), new CapturedQuestions(answers));
        Finding[] findings = [.. Examination.Of(device)];

        Assert.Contains("the supply fell below 4.63 V", One(findings, "throttling", "get_throttled under-voltage").Advice, StringComparison.Ordinal);
        Finding meter = findings.First(finding => finding.Area == "energy" && finding.State != FindingState.Absent);
        Assert.Equal(FindingState.Limited, meter.State);
        Assert.Contains("a sum of rails, less than the board draws", meter.Detail, StringComparison.Ordinal);
        Assert.Contains("INA226", meter.Advice, StringComparison.Ordinal);
        Assert.Equal(findings, Examination.Of(Unpacked(device)));
    }

    [Fact]
    public void A_chip_that_was_wired_in_is_asked_over_its_bus_and_says_what_is_wrong()
    {
        EnergyMeterOptions wired = new() { I2c = [new I2cMeterOptions { Chip = I2cChip.Ina226, Bus = 7, Address = 0x40, ShuntOhms = 0.01, MaxAmps = 8 }] };
        Device device = Device.Of(_files, new CapturedQuestions(ModelledOrinNano.Answers));
        Finding chip = Examination.Of(device, wired).First(finding => finding.Area == "energy");
        Assert.Equal(FindingState.Absent, chip.State);
        Assert.Contains("ina226", chip.Name, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(device.Answers.Keys, question => question.StartsWith("i2c-7 0x40 read", StringComparison.Ordinal));
    }

    [Fact]
    public void A_plain_folder_says_what_it_cannot_be_asked()
    {
        Device folder = Device.At(_root.Path);
        Finding[] findings = [.. Examination.Of(folder)];
        Assert.Equal(DeviceKind.Folder, folder.Kind);
        Assert.Equal(FindingState.Found, findings.First(finding => finding.Area == "energy").State);
        Assert.All(findings.Where(finding => finding.Area is "runtime" or "gpio" || finding.Name is "events" or "a peak of each phase"),
            finding => Assert.Equal((FindingState.Limited, true), (finding.State, finding.Detail.Contains(Device.NotAsked, StringComparison.Ordinal))));
    }

    [Fact]
    public void A_device_that_tells_nothing_is_a_normal_device()
    {
        using TemporaryFolder empty = new();
        Finding[] findings = [.. Examination.Of(Device.Of(new KernelFiles(empty.Path), new CapturedQuestions(new Dictionary<string, DeviceAnswer>())))];
        Assert.Equal(s_areas, findings.Select(finding => finding.Area).Distinct());
        Assert.DoesNotContain(findings, finding => finding.State == FindingState.Found);
    }

    private Device Unpacked(Device device)
    {
        using MemoryStream archive = new();
        CaptureWriter.Write(archive, device.Files, device.Answers, "nano", "edgefleet test");
        archive.Position = 0;
        using GZipStream unzipped = new(archive, CompressionMode.Decompress);
        TarFile.ExtractToDirectory(unzipped, _unpacked.Path, overwriteFiles: false);
        return Device.At(_unpacked.Path);
    }

    private Finding[] Look() => [.. Examination.Of(Device.Of(_files, new CapturedQuestions(ModelledOrinNano.Answers)))];

    private static Finding One(Finding[] findings, string area, string name) => findings.Single(finding => finding.Area == area && finding.Name == name);
}
