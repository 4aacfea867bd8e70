using System.Diagnostics;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing.Kernel;

namespace EdgeFleet.Linux.Tests.Gpio;

public sealed class GpioLineTests
{
    private static readonly GpioAddress s_line = new("gpiochip0", 17);
    private readonly ScriptedGpioChip _chip = new();

    [Fact]
    public void A_line_is_taken_as_a_high_output_and_given_back()
    {
        GpioLine line = new(_chip, s_line);

        Assert.Equal("/dev/gpiochip0", _chip.OpenedPath);
        byte[] expected = new byte[GpioFormat.LineRequestSize];
        GpioFormat.WriteOutputRequest(expected, 17, "edgefleet");
        Assert.Equal(expected, Assert.Single(_chip.Requests));
        Assert.Equal(Errno.None, line.Get(out bool high));
        Assert.True(high);
        // The chip's own descriptor is not held on to.
        Assert.Single(_chip.Descriptors);

        line.Dispose();
        line.Dispose();
        Assert.Empty(_chip.Descriptors);
        Assert.Throws<ObjectDisposedException>(() => line.Set(true));
    }

    [Fact]
    public void What_is_set_is_what_the_chip_says()
    {
        using GpioLine line = new(_chip, s_line);

        Assert.Equal(Errno.None, line.Set(high: false));
        line.Get(out bool low);
        Assert.Equal(Errno.None, line.Set(high: true));
        line.Get(out bool high);

        Assert.Equal((false, true), (low, high));
    }

    [Fact]
    public void A_pulse_falls_for_at_least_its_width_and_ends_high()
    {
        using GpioLine line = new(_chip, s_line);

        Assert.Equal(Errno.None, line.Pulse(TimeSpan.FromMicroseconds(50)));

        Assert.Equal([false, true], _chip.Sets.Select(set => set.High));
        Assert.True(Stopwatch.GetElapsedTime(_chip.Sets[0].Timestamp, _chip.Sets[1].Timestamp) >= TimeSpan.FromMicroseconds(50));
    }

    [Theory]
    [InlineData(Errno.Enoent, "gpiodetect")]
    [InlineData(Errno.Eacces, "group")]
    [InlineData(Errno.Enodev, "ENODEV")]
    public void A_chip_that_cannot_be_opened_is_said_with_what_to_do(Errno error, string hint)
    {
        _chip.OpenError = error;

        Assert.Contains(hint, Assert.Throws<IOException>(() => new GpioLine(_chip, s_line)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Errno.Ebusy, "gpioinfo")]
    [InlineData(Errno.Einval, "no such line")]
    [InlineData(Errno.Enotty, "older than 5.10")]
    public void A_line_that_cannot_be_had_is_said_with_what_to_do_and_the_chip_is_closed(Errno error, string hint)
    {
        _chip.LineError = error;

        string message = Assert.Throws<IOException>(() => new GpioLine(_chip, s_line)).Message;
        Assert.StartsWith("line gpiochip0:17: ", message, StringComparison.Ordinal);
        Assert.Contains(hint, message, StringComparison.Ordinal);
        Assert.Empty(_chip.Descriptors);
    }

    [Fact]
    public void A_shared_line_has_one_number_for_all_who_inherit_it_and_is_given_back_with_the_line()
    {
        GpioLine line = new(_chip, s_line);
        int number = line.Share();
        Assert.Equal(number, line.Share());
        using (GpioLine child = new(_chip, number))
        {
            Assert.Equal(Errno.None, child.Set(high: false));
        }
        line.Get(out bool high);
        Assert.False(high);

        line.Dispose();
        Assert.Empty(_chip.Descriptors);
    }

    [Fact]
    public void What_the_real_call_shares_a_process_that_is_started_afterwards_has_under_the_same_number()
    {
        using System.IO.Pipes.AnonymousPipeServerStream reader = new(System.IO.Pipes.PipeDirection.In);
        using Microsoft.Win32.SafeHandles.SafePipeHandle writer = reader.ClientSafePipeHandle;
        int shared = GpioKernel.Host.Share((int)writer.DangerousGetHandle(), out Errno error);
        Assert.Equal(Errno.None, error);

        using (Process child = Process.Start("sh", ["-c", $"printf x > /proc/self/fd/{shared}"]))
        {
            child.WaitForExit();
            Assert.Equal(0, child.ExitCode);
        }
        GpioKernel.Host.Close(shared);

        Assert.Equal('x', reader.ReadByte());
    }

    [Fact]
    public void On_this_machine_a_file_that_is_no_chip_is_refused_by_the_real_call() =>
        Assert.Contains("ENOTTY", Assert.Throws<IOException>(() => new GpioLine(GpioKernel.Host, new GpioAddress("null", 0))).Message, StringComparison.Ordinal);
}
