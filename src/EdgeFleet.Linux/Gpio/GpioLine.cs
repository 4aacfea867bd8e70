using System.Diagnostics;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Gpio;

/// <summary>An output line, high from its request on. Setting it allocates nothing.</summary>
public sealed class GpioLine : IDisposable
{
    private readonly IGpioKernel _kernel;
    private readonly int _descriptor;
    private readonly byte[] _values = new byte[GpioFormat.LineValuesSize];
    private int _shared = -1;
    private bool _disposed;

    /// <summary>A line that the parent process took and shared: a line has one owner, and two model hosts mark their windows on it.</summary>
    /// <param name="kernel">Where the chip is.</param>
    /// <param name="inherited">What the parent's <see cref="Share"/> answered.</param>
    public GpioLine(IGpioKernel kernel, int inherited) => (_kernel, _descriptor) = (kernel, inherited);

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

    /// <summary>A number under which processes that are started from now on have this line too.</summary>
    /// <exception cref="IOException">No descriptor is left.</exception>
    public int Share()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_shared < 0)
        {
            _shared = _kernel.Share(_descriptor, out Errno error);
            if (_shared < 0)
            {
                throw new IOException($"sharing a line: {error.Describe()}", (int)error);
            }
        }
        return _shared;
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            if (_shared >= 0)
            {
                _kernel.Close(_shared);
            }
            _kernel.Close(_descriptor);
        }
    }
}
