using System.Diagnostics;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Gpio;

/// <summary>An output line, high from its request on. Setting it allocates nothing.</summary>
public sealed class GpioLine : IDisposable
{
    private readonly IGpioKernel _kernel;
    private readonly int _descriptor;
    private readonly byte[] _values = new byte[GpioFormat.LineValuesSize];
    private bool _disposed;

    /// <exception cref="IOException">The line cannot be had; the message says why and what to do.</exception>
    public GpioLine(IGpioKernel kernel, GpioAddress address, string consumer = "edgefleet")
    {
        Span<byte> request = stackalloc byte[GpioFormat.LineRequestSize];
        GpioFormat.WriteOutputRequest(request, address.Line, consumer);
        _kernel = kernel;
        _descriptor = GpioRequest.Take(kernel, address, request);
    }

    public Errno Set(bool high)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        GpioFormat.WriteValues(_values, high);
        return _kernel.Control(_descriptor, GpioFormat.SetValues, _values);
    }

    /// <summary>What the chip says that the line is.</summary>
    public Errno Get(out bool high)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        GpioFormat.WriteValues(_values, high: false);
        Errno error = _kernel.Control(_descriptor, GpioFormat.GetValues, _values);
        high = error == Errno.None && GpioFormat.ReadValue(_values);
        return error;
    }

    /// <summary>Low for at least so long, by the monotonic clock, and high again.</summary>
    public Errno Pulse(TimeSpan width)
    {
        Errno error = Set(high: false);
        long fell = Stopwatch.GetTimestamp();
        // The two calls take longer than the microsecond that an analyser needs; where they do not, this waits it out.
        while (Stopwatch.GetElapsedTime(fell) < width)
        {
            Thread.SpinWait(1);
        }
        Errno up = Set(high: true);
        return error == Errno.None ? up : error;
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _kernel.Close(_descriptor);
        }
    }
}
