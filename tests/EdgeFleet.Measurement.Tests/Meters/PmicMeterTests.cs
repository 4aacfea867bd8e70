using System.Text;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class PmicMeterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeMailbox _mailbox = new();

    public PmicMeterTests() => _folder.Write("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_rails_of_a_Pi_5_add_up_to_what_was_measured_and_nothing_is_put_on_top()
    {
        using MeterSearch search = Find();
        IEnergyMeter meter = Assert.Single(search.Meters);
        MeterReading reading = meter.Read();
        RailReading[] parts = reading.Parts.ToArray();

        Assert.Equal(3.5070, reading.Watts!.Value, 4);
        Assert.Equal((ReadingState.Measured, MeterScope.Parts, 12), (meter.Identity.State, meter.Identity.Scope, meter.Identity.Rails.Count));
        Assert.Equal(1.3707, parts.Single(part => part.Name == "VDD_CORE").Watts!.Value, 4);
        Assert.Equal(0.1465, parts.Where(part => part.Name.StartsWith("DDR", StringComparison.Ordinal)).Sum(part => part.Watts!.Value), 4);
        // These two have a voltage and no current.
        Assert.DoesNotContain(parts, part => part.Name is "EXT5V" or "BATT");
    }

    [Fact]
    public void The_board_s_power_is_only_modelled_and_only_when_asked_for()
    {
        using MeterSearch search = Find(new EnergyMeterOptions { PiBoard = new PiBoardFit() });
        IEnergyMeter board = search.Meters.Single(meter => meter.Identity.State == ReadingState.Modelled);
        Assert.Equal(4.6038, board.Read().Watts!.Value, 4);
        Assert.Contains("modelled", search.Findings.Single(finding => finding.Meter == board.Identity).Reason, StringComparison.Ordinal);
        using MeterSearch own = Find(new EnergyMeterOptions { PiBoard = new PiBoardFit(1, 2) });
        Assert.Equal(5.5070, own.Meters.Single(meter => meter.Identity.State == ReadingState.Modelled).Read().Watts!.Value, 4);
    }

    [Fact]
    public void Rails_are_paired_by_name_in_whatever_order_they_come()
    {
        using MeterSearch search = Find();
        _mailbox.Answer = string.Join('\n', ModelledTrees.PmicModelled.Split('\n').Reverse());
        Assert.Equal(3.5070, search.Best!.Read().Watts!.Value, 4);
    }

    [Theory]
    [InlineData("VDD_CORE_A current(7)=1.54489000A", "")]
    [InlineData("current(7)=1.54489000A", "current(7)=NaNA")]
    [InlineData("current(7)=1.54489000A", "current(7)=-1.54489000A")]
    [InlineData("current(7)=1.54489000A", "current(7)=A")]
    [InlineData("current(7)=1.54489000A", "current(7)=1.54489000V")]
    public void A_rail_without_a_good_figure_leaves_no_sum(string was, string becomes)
    {
        using MeterSearch search = Find();
        _mailbox.Answer = ModelledTrees.PmicModelled.Replace(was, becomes, StringComparison.Ordinal);
        MeterReading reading = search.Best!.Read();
        Assert.Null(reading.Watts);
        Assert.Contains("VDD_CORE", reading.AbsentReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_errno_is_absent_and_a_group_that_is_missing_is_said()
    {
        foreach (Errno error in Enum.GetValues<Errno>().Where(error => error != Errno.None))
        {
            _mailbox.Error = Errno.None;
            using MeterSearch search = Find();
            _mailbox.Error = error;
            Assert.Contains(error.ToString().ToUpperInvariant(), search.Best!.Read().AbsentReason, StringComparison.Ordinal);
        }
        _mailbox.Error = Errno.Eacces;
        using MeterSearch refused = Find();
        Assert.Empty(refused.Meters);
        Assert.Contains(refused.Findings, finding => finding.Advice?.Contains("group video", StringComparison.Ordinal) == true);
    }

    [Fact]
    public void Firmware_without_the_command_is_no_meter()
    {
        _mailbox.Answer = "error=1 error_msg=\"Command not registered\"";
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
    }

    [Fact]
    public void A_Pi_4_has_no_sensor_and_the_advice_is_an_external_meter()
    {
        _folder.Write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
        MeterFinding finding = search.Findings.Single(finding => finding.Source == "Raspberry Pi");
        Assert.Contains("no current sensor", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("INA228", finding.Advice, StringComparison.Ordinal);
        Assert.Contains("no current sensor", search.AbsentReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_allocates_nothing_after_the_first()
    {
        using MeterSearch search = Find();
        search.Best!.Read();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            search.Best.Read();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private MeterSearch Find(EnergyMeterOptions? options = null) => EnergyMeters.Find(new KernelFiles(_folder.Path), options, new ManualTimeProvider(),
        new MeterHardware(_ => throw new InvalidOperationException("no bus here"), () => _mailbox));

    private sealed class FakeMailbox : IFirmwareMailbox
    {
        private byte[] _answer = Encoding.UTF8.GetBytes(ModelledTrees.PmicModelled);

        public string Answer
        {
            set => _answer = Encoding.UTF8.GetBytes(value);
        }

        public Errno Error { get; set; }

        public Errno Command(ReadOnlySpan<byte> command, Span<byte> answer, out int count)
        {
            Assert.True(command.SequenceEqual("pmic_read_adc"u8));
            count = Error == Errno.None ? _answer.Length : 0;
            _answer.AsSpan(0, count).CopyTo(answer);
            return Error;
        }

        public void Dispose() => GC.SuppressFinalize(this);
    }
}
