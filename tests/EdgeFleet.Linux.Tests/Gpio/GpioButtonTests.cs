using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing.Kernel;

namespace EdgeFleet.Linux.Tests.Gpio;

public sealed class GpioButtonTests
{
    private static readonly GpioAddress s_line = new("gpiochip0", 3);
    private static readonly TimeSpan s_held = TimeSpan.FromSeconds(2);
    private readonly ScriptedGpioChip _chip = new();

    [Fact]
    public async Task A_button_that_is_held_is_pressed()
    {
        _chip.Edge(1_000, rising: false);

        Assert.True(await IsPressedAsync());
    }

    [Fact]
    public async Task A_button_that_is_let_go_too_soon_is_not_pressed_however_often_that_happens()
    {
        _chip.Edge(1_000, rising: false).Edge(2_999, rising: true).Edge(3_000, rising: false).Edge(3_100, rising: true);

        Assert.False(await IsPressedAsync());
    }

    [Fact]
    public async Task A_button_that_was_held_from_before_is_not_pressed_until_it_was_let_go()
    {
        _chip.Edge(1_000, rising: true);

        Assert.False(await IsPressedAsync());
    }

    [Fact]
    public async Task A_press_that_was_over_before_anybody_looked_counts_by_the_kernel_s_clock()
    {
        _chip.Edge(1_000, rising: false).Edge(3_000, rising: true).Sleep(60_000);
        Assert.True(await IsPressedAsync());
    }

    [Fact]
    public async Task A_spike_that_was_over_before_anybody_looked_does_nothing()
    {
        _chip.Edge(1_000, rising: false).Edge(2_999.9, rising: true).Sleep(60_000);
        Assert.False(await IsPressedAsync());
    }

    [Fact]
    public async Task Edges_that_the_kernel_lost_make_no_press_out_of_two_spikes()
    {
        // The rising edge between the two did not fit the kernel's buffer.
        _chip.Edge(1_000, rising: false).Edge(2_500, rising: false).Edge(2_600, rising: true);

        Assert.False(await IsPressedAsync());
    }

    [Fact]
    public void A_chip_that_goes_away_ends_the_wait_with_the_reason()
    {
        _chip.Edge(1_000, rising: false);
        _chip.ReadError = Errno.Enodev;
        using GpioButton button = new(_chip, s_line, TimeSpan.FromMilliseconds(20));

        Assert.Contains("ENODEV", Assert.Throws<IOException>(() => button.WaitForPress(s_held, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_button_is_asked_for_with_both_edges_a_pull_up_and_its_debounce()
    {
        byte[] expected = new byte[GpioFormat.LineRequestSize];
        GpioFormat.WriteButtonRequest(expected, 3, "edgefleet", TimeSpan.FromMilliseconds(20));

        new GpioButton(_chip, s_line, TimeSpan.FromMilliseconds(20)).Dispose();

        Assert.Equal(expected, Assert.Single(_chip.Requests));
        Assert.Empty(_chip.Descriptors);
    }

    [Fact]
    public async Task The_real_wait_sees_what_becomes_readable_and_ends_when_it_is_cancelled_or_its_time_is_over()
    {
        using System.IO.Pipes.AnonymousPipeServerStream writer = new(System.IO.Pipes.PipeDirection.Out);
        using Microsoft.Win32.SafeHandles.SafePipeHandle reader = writer.ClientSafePipeHandle;
        int descriptor = (int)reader.DangerousGetHandle();
        using CancellationTokenSource stop = new();

        Assert.False(GpioKernel.Host.WaitReadable(descriptor, TimeSpan.FromMilliseconds(1), stop.Token));
        Task waiting = Task.Factory.StartNew(
            () => GpioKernel.Host.WaitReadable(descriptor, Timeout.InfiniteTimeSpan, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(30)));
        writer.WriteByte(1);
        Assert.True(GpioKernel.Host.WaitReadable(descriptor, Timeout.InfiniteTimeSpan, CancellationToken.None));
    }

    /// <summary>Whether the edges that are written down are a press.</summary>
    private async Task<bool> IsPressedAsync()
    {
        using GpioButton button = new(_chip, s_line, TimeSpan.FromMilliseconds(20));
        using CancellationTokenSource stop = new();
        Task press = Task.Factory.StartNew(() => button.WaitForPress(s_held, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Task first = await Task.WhenAny(press, _chip.Idle).WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        if (first == press)
        {
            await press;
            return true;
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => press);
        return false;
    }
}
