using System.Diagnostics;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Windows;
using EdgeFleet.Testing.Kernel;

namespace EdgeFleet.Measurement.Tests.Windows;

public sealed class WindowMarkerTests
{
    private readonly ScriptedGpioChip _chip = new();

    [Fact]
    public void The_line_is_high_and_falls_for_a_microsecond_at_each_edge_outside_of_the_window()
    {
        using WindowMarker marker = new(new GpioLine(_chip, new GpioAddress("gpiochip0", 5)));

        marker.Begin();
        long begin = Stopwatch.GetTimestamp();
        long end = Stopwatch.GetTimestamp();
        marker.End();

        Assert.Equal([false, true, false, true], _chip.Sets.Select(set => set.High));
        Assert.All([0, 2], fall => Assert.True(Stopwatch.GetElapsedTime(_chip.Sets[fall].Timestamp, _chip.Sets[fall + 1].Timestamp) >= TimeSpan.FromMicroseconds(1)));
        Assert.True(_chip.Sets[1].Timestamp <= begin && end <= _chip.Sets[2].Timestamp);
        Assert.Equal((2, Errno.None), (marker.Marks, marker.Fault));
    }

    [Fact]
    public void A_chip_that_refuses_does_not_end_the_measurement_and_is_said()
    {
        using WindowMarker marker = new(new GpioLine(_chip, new GpioAddress("gpiochip0", 5)));
        _chip.SetError = Errno.Eio;
        marker.Begin();
        _chip.SetError = Errno.None;
        marker.End();

        Assert.Equal((1, Errno.Eio), (marker.Marks, marker.Fault));
    }

    [Fact]
    public void Where_nobody_watches_nothing_is_marked()
    {
        WindowMarker.None.Begin();
        WindowMarker.None.End();

        Assert.Equal((0, Errno.None), (WindowMarker.None.Marks, WindowMarker.None.Fault));
    }

    [Fact]
    public void Marking_allocates_nothing()
    {
        _chip.Sets.EnsureCapacity(8);
        using WindowMarker marker = new(new GpioLine(_chip, new GpioAddress("gpiochip0", 5)));
        marker.Begin();
        long before = GC.GetAllocatedBytesForCurrentThread();

        marker.End();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
