using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Windows;

/// <summary>
/// Tells an external power analyser when a measured window begins and ends: the line, high otherwise, falls once at each
/// edge for at least a microsecond (the signal of MLPerf Tiny's energy runner). The falls lie just outside of the window, so
/// what happens between them is the window and some microseconds. Marking allocates nothing.
/// </summary>
public sealed class WindowMarker(GpioLine? line) : IDisposable
{
    private static readonly TimeSpan s_width = TimeSpan.FromMicroseconds(2);

    /// <summary>For devices on which nobody watches.</summary>
    public static WindowMarker None { get; } = new(null);

    /// <summary>Falls that the chip took.</summary>
    public int Marks { get; private set; }

    /// <summary>The first refusal of the chip: an analyser's trace of this measurement cannot be cut by its marks.</summary>
    public Errno Fault { get; private set; }

    /// <summary>Right before the first inference of a window.</summary>
    public void Begin() => Mark();

    /// <summary>Right after the last inference of a window.</summary>
    public void End() => Mark();

    public void Dispose() => line?.Dispose();

    private void Mark()
    {
        if (line is null)
        {
            return;
        }
        Errno error = line.Pulse(s_width);
        if (error == Errno.None)
        {
            Marks++;
        }
        else if (Fault == Errno.None)
        {
            Fault = error;
        }
    }
}
